//! The benchmarks: what the functions and the command cost at the start, and what a push costs in calls, time and tries.
//!
//! They measure the release binaries from outside, as Lambda would run them, and print figures beside aims. Nothing
//! fails here for being slow: machines differ, and people read the table.

pub mod authority;
pub mod cold_start;
pub mod command;
pub mod function;
pub mod mapping;
pub mod pushes;
pub mod runtime_api;
pub mod setup;
pub mod table;
