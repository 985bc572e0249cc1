//! Runs workers: functions that no client calls.

mod batch;
mod serve;
mod stream;

pub use batch::{Delivered, Failures, Message, Woken, each, together};
pub use serve::{Build, Failed, Handler, adapter, serve};
pub use stream::in_order;
