//! World, the stories, the demo and the benchmarks: everything that runs Slipway without AWS.

pub mod world;
