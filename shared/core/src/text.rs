//! Every sentence that people read: reasons, plans, notices, answers, the cause of a failure.
//!
//! It decides nothing. Where a sentence belongs to a type of another folder, its `Display` stands here.

pub mod answer;
mod assessment;
mod authority;
pub mod diagnosis;
mod diff;
mod invoke;
pub mod notice;
mod passed_over;
mod plan;
mod reason;
mod rollback;
mod stage;
mod status;
