//! Runs workers: functions that no client calls.

mod batch;
mod serve;

pub use batch::{Delivered, Failures, Message, Woken, each, together};
pub use serve::{Build, Failed, Handler, adapter, serve};
