//! The words of every notice, and how each reader is shown them.
//!
//! Whatever is said is put together here, once, by a constructor; the renderings (subject, text, JSON, attributes) only
//! lay it out.

pub use deployment::News;
pub use email::{ADVICE, CHANGES};

mod announce;

mod attributes;

mod build;

mod chat;

mod deployment;

mod details;

mod email;

mod limits;

mod links;

mod message;

mod subject;

#[cfg(test)]
mod tests;

mod undelivered;
