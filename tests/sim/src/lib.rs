//! The simulation: the engine itself on the fake AWS, in seeded schedules of pushes, faults, crashes, lost and late events,
//! and people, and the laws that must hold in all of them.
//!
//! There is no runtime, no clock and no thread: a seed gives the same schedule to the letter. The engine is the one that the
//! functions run; bugs are planted in the port, never in the engine.

pub mod bug;

pub mod schedule;

mod calm;

mod cloud;
mod code_deploy;

mod delivery;

mod effects;

mod events;

mod infrastructure;

mod laws;

mod log;

mod people;

mod registry;

mod setup;

mod table;

mod simulation;
