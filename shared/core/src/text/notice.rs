//! The words of every notice, and the form in which each reader gets them.
//!
//! Whatever is said is put together here, once, by a constructor; the forms (subject, text, JSON, attributes) only lay it
//! out.

pub use deployment::News;
pub use details::details_within;
pub use email::{ADVICE, CHANGES};
pub use limits::{one_line, shorten};

mod announce;
mod build;
mod chat;
mod deployment;
mod details;
mod email;
mod limits;
mod links;
mod message;
mod subject;
mod undelivered;

#[cfg(test)]
mod tests;
