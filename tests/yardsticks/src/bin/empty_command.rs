//! A command that does nothing: the least that a program with clap costs, in the same profile and with the same features.

use clap::Parser;

/// A command that does nothing.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {}

fn main() {
    let Command {} = Command::parse();
}
