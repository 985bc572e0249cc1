//! The single table: its keys, items, reads, conditional writes, transactions and cursors.
//!
//! Nothing here decides or authorises. A write carries its own condition; what a failed
//! condition means is said by the use case that composes it.

pub mod cursor;
mod error;
pub mod items;
pub mod keys;
mod page;
mod retry;
pub mod schema;
mod stream;
mod table;
mod tx;
mod write;

pub use error::{Error, WriteError};
pub use items::{Stored, decode, pick, pick_all};
pub use page::{Page, Query};
pub use stream::Change;
pub use table::{Connection, Item, Table};
pub use tx::{Tx, TxError, Unmet};
pub use write::{Write, Written};
