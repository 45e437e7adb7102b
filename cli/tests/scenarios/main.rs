//! The command as people and builds run it: the real program, in front of the real deploy function and World.
//!
//! What it prints is a snapshot, and so read aloud before it is accepted.

mod acting;
mod action;
mod check;
mod code_deploy;
mod examples;
mod faults;
mod harness;
mod init;
mod json;
mod looking;
mod pictures;
mod released;
mod svg;
mod terminal;
mod terminals;
mod waiting;
