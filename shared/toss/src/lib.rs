//! Speaks the protocol of Toss Payments: confirm, query, cancel, and the list of transactions.
//!
//! One call is one request. Nothing here retries, waits or decides what an order becomes: a
//! [`Failure`] says what may follow, and the caller, who knows the order, does it.
//!
//! Sources: <https://docs.tosspayments.com/reference>,
//! <https://docs.tosspayments.com/reference/error-codes>,
//! <https://docs.tosspayments.com/reference/using-api/authorization>.

mod client;
mod failure;
mod https;
mod payment;
mod reading;
mod refund_account;
mod secret_key;
mod transaction;
mod transport;

pub use client::{LONGEST_IDEMPOTENCY_KEY, LONGEST_PAYMENT_KEY, MOST_TRANSACTIONS, Toss, is_payment_key};
pub use failure::Failure;
pub use https::{Https, NoClient};
pub use payment::{Cancel, Payment, PaymentFailure, PaymentSecret, Status, Unreadable};
pub use refund_account::RefundAccount;
pub use secret_key::{NotASecretKey, SecretKey};
pub use transaction::Transaction;
pub use transport::{NoAnswer, TimeOut, Transport};
