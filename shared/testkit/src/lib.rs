//! For tests only: a table behind a wire that can be watched and tampered with.

mod embedded;
mod wire;

pub use wire::{Action, Call, Cost, Gate, Wire};
