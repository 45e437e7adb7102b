//! Every decision. A rule takes what was looked up and says what is to be done; it has no sentence for people.

pub mod adoption;
pub mod authority;
pub mod base;
pub mod candidate;
pub mod choose;
pub mod deploy;
pub mod diagnosis;
pub mod gates;
pub mod mechanism;
pub mod message_state;
pub mod note;
pub mod placeholder;
pub mod recency;
pub mod redeploy;
pub mod render;
pub mod repeated;
pub mod request;
pub mod rollback;
pub mod status;
mod steps;
pub mod unfinished;

#[cfg(test)]
mod situation;
