//! The storm: random schedules of pushes, duplicates, late and lost events, crashes, expired leases, people who deploy by
//! hand and breakers that roll back, against the decisions in `slipway-core`.
//!
//! The world, the store and the clock are simulated, and so are the functions: they make the same calls in the same order
//! as the real ones, and leave every decision to core. A seed gives the same schedule each time.

pub mod bug;

pub mod schedule;

mod scene;

mod world;

mod laws;

mod deployer;

mod ecs;

mod invocation;

mod registry;

mod store;

mod tracker;
