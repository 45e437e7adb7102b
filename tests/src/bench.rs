//! The benchmarks, each a part that prints its own table.

pub mod mapping;
