//! Transactions: writes that happen all or none, each with what its failed condition means.

use aws_sdk_dynamodb::{operation::transact_write_items::TransactWriteItemsError, types::CancellationReason};

use crate::{
    Error, Write,
    retry::{Attempt, Failure, failure},
    table::{Item, Table},
};

/// A write whose condition did not hold.
#[derive(Debug)]
pub struct Unmet<R> {
    /// What that means to the use case.
    pub refusal: R,
    /// The item as it stands, if there is one.
    pub item: Option<Item>,
}

/// Why a transaction did not happen.
#[derive(Debug)]
pub enum TxError<R> {
    /// The conditions that did not hold, in the order of the writes; never empty.
    Unmet(Vec<Unmet<R>>),
    /// The table failed.
    Storage(Error),
}

impl<R> TxError<R> {
    /// The first failed condition's meaning, or what `storage` makes of the table's failure.
    pub fn first(self, storage: impl FnOnce(Error) -> R) -> R {
        match self {
            Self::Storage(error) => storage(error),
            Self::Unmet(unmet) => match unmet.into_iter().next() {
                Some(first) => first.refusal,
                None => storage(Error::Corrupt("cancelled without a reason".to_owned())),
            },
        }
    }
}

/// A transaction being put together. `R` says what a failed condition means.
#[derive(Debug)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Tx<R> {
    writes: Vec<(Write, R)>,
    token: String,
}

impl<R> Tx<R> {
    /// An empty transaction that takes effect once, however often it is sent with this token.
    pub fn once(token: String) -> Self {
        Self { writes: vec![], token }
    }

    /// Adds a write, and what it means if its condition does not hold.
    pub fn and(mut self, write: Write, refusal: R) -> Self {
        self.writes.push((write, refusal));
        self
    }

    /// Adds several writes.
    pub fn and_all(mut self, writes: impl IntoIterator<Item = (Write, R)>) -> Self {
        self.writes.extend(writes);
        self
    }

    /// Commits all writes or none. Repeats conflicts, throttling and lost answers under its token.
    pub async fn commit(self, table: &Table) -> Result<(), TxError<R>> {
        let (writes, mut refusals): (Vec<_>, Vec<_>) = self.writes.into_iter().map(|(w, r)| (w, Some(r))).unzip();
        let actions: Result<Vec<_>, _> = writes.into_iter().map(|write| write.compile(&table.name)).collect();
        let request = table
            .client
            .transact_write_items()
            .set_transact_items(Some(actions.map_err(TxError::Storage)?))
            .client_request_token(self.token);
        let cancelled = table
            .patience
            .repeat(&table.rng, "TransactWriteItems", |_| async {
                match request.clone().send().await {
                    Ok(_) => Attempt::Done(Ok(vec![])),
                    Err(error) => match error.as_service_error() {
                        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                            cancellation(cancelled.cancellation_reasons.clone().unwrap_or_default())
                        }
                        _ => match failure(&error) {
                            Failure::Transient => Attempt::NoEffect,
                            Failure::Unknown => Attempt::Unknown,
                            Failure::Refused(code, message) => {
                                Attempt::Done(Err(Error::Driver { operation: "TransactWriteItems", code, message }))
                            }
                        },
                    },
                }
            })
            .await
            .map_err(TxError::Storage)?;
        let unmet: Vec<_> = cancelled
            .into_iter()
            .filter_map(|(position, item)| Some(Unmet { refusal: refusals.get_mut(position)?.take()?, item }))
            .collect();
        if unmet.is_empty() { Ok(()) } else { Err(TxError::Unmet(unmet)) }
    }
}

/// A cancelled transaction: conditions that did not hold are final, conflicts are not.
fn cancellation(reasons: Vec<CancellationReason>) -> Attempt<Vec<(usize, Option<Item>)>> {
    let is = |codes: &[&str]| reasons.iter().any(|reason| codes.contains(&reason.code().unwrap_or("None")));
    if is(&["ConditionalCheckFailed"]) {
        let unmet = reasons.into_iter().enumerate();
        let unmet = unmet.filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"));
        return Attempt::Done(Ok(unmet.map(|(position, reason)| (position, reason.item)).collect()));
    }
    if is(&["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]) {
        return Attempt::NoEffect;
    }
    let told: Vec<_> = reasons.iter().filter_map(|reason| reason.message()).collect();
    Attempt::Done(Err(Error::Driver {
        operation: "TransactWriteItems",
        code: "TransactionCanceledException".to_owned(),
        message: told.join("; "),
    }))
}
