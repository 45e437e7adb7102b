//! Every kind of notice in every format on one page, to be looked at: `cargo notices`.
//!
//! What is shown is what Slipway sends, made by its own code from the fixtures; here it is only drawn as Slack, a mail
//! program, a phone and Amazon Q would, so that a person can judge the words.

pub mod fixtures;
pub mod page;

mod block_kit;
mod formats;
mod html;
mod mrkdwn;

#[cfg(test)]
mod tests;
