//! Wip.

pub mod emulator;
