//! What travels through queues, and how it is put into them.
//!
//! A message is a nudge: the table says what is to be done. Whoever works on one may meet it
//! twice, late, or before another that was sent earlier.

mod message;
mod queue;

pub use message::{Alarm, CdnJob, Envelope, Message, Notification, PaymentJob, Unreadable};
pub use queue::{Connection, Jobs, NotSent, Patience, Queue};
