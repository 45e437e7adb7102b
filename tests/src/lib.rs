//! World, the emulator behind it, and what the scenarios, the demo and the benchmarks share: everything that runs Slipway
//! without AWS.

pub mod bench;
pub mod bootstraps;
pub mod emulator;
pub mod examples;
pub mod functions;
pub mod lambda;
pub mod notices;
pub mod slack;
pub mod stage;
pub mod world;
