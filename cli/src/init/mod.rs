//! How a configuration is made from what runs: read the account, decide what becomes of each service, draw the files.

pub(crate) mod account;
pub(crate) mod document;
pub(crate) mod files;
pub(crate) mod parameters;
pub(crate) mod plan;
pub(crate) mod shown;

mod definition;
mod placeholder;
mod shape;
mod tags;
