//! For tests only: a table behind a wire that can be watched and tampered with.

mod embedded;
mod passage;
mod wire;

pub use passage::{Embedded, Lost, Passage, client_through, table_through};
pub use wire::{Action, Call, Cost, Gate, Wire};
