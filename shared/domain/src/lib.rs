//! The words of the product: ids, money, text, states and the rules that need nothing but values.
//!
//! Nothing here awaits, reads the time, the environment or randomness, or knows HTTP or the table.

pub mod accounts;
pub mod attachments;
pub mod boards;
pub mod calendar;
pub mod cdn;
pub mod forums;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod orders;
pub mod quota;
pub mod refusal;
pub mod seats;
pub mod statutory;
pub mod text;
pub mod time;
pub mod validation;
pub mod waitlist;
