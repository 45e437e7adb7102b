//! `slipway check`: a table of planted mistakes, and what people read.

mod planted;
mod setup;
mod shown;
