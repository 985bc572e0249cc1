//! Matches what Toss moved with the orders, both ways.
//!
//! Everything else asks Toss about a payment that an order names. This finds charges that no order was paid by, paid
//! orders that were never charged, and what an operator did at Toss while no webhook came through: it goes through
//! Toss's list of transactions, one stretch of time after the other, and remembers how far it came. A stretch that was
//! not finished is gone through again, which is fine: every step is one that others take, too.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ids::OrderId, orders::State, time::Time};
use serde::Serialize;
use storage::{
    Error, Query, Write, WriteError,
    items::{LedgerEntry, MatchedUntil, Order},
    keys,
};
use toss::{MOST_TRANSACTIONS, Status, Transaction};

use crate::{
    App, console,
    settle::{self, Stray},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// What is younger may still be worked on, and webhooks about it may be on their way.
const SETTLES_WITHIN: i64 = 15 * MINUTE;
/// Toss's list is asked for so often at most.
const SHORTEST: i64 = 10 * MINUTE;
/// So much is gone through at once, and so far back the very first time.
const LONGEST: i64 = DAY;
/// How many stretches one run goes through, where it has fallen behind.
const STRETCHES: usize = 31;
/// A sale is looked for among the charges of so long before; if it is not there, Toss is asked for it.
const CHARGED_BEFORE: i64 = HOUR;
/// More than is sold in a day.
const MOST_SALES: usize = 1_000_000;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched {
    /// Payments that moved.
    pub payments: u32,
    /// Those of them that no order was paid by.
    pub strays: u32,
    /// Paid orders that Toss was asked about, because the list did not say the same as they do.
    pub compared: u32,
}

/// Goes through what is new in Toss's list and in the ledger.
pub async fn match_transactions(app: &App) -> Result<Matched, Error> {
    let mut matched = Matched::default();
    let settled = app.edge.clock.now().plus_seconds(-SETTLES_WITHIN);
    let known: Option<MatchedUntil> = app.edge.table.get_now(keys::transactions_matched()).await?;
    let mut from = known.map_or(settled.plus_seconds(-LONGEST), |known| known.until);
    if known.is_none() {
        // Where it began, should Toss not answer for longer.
        remember(app, from).await?;
    }
    for _ in 0..STRETCHES {
        if from.plus_seconds(SHORTEST) > settled {
            break;
        }
        let until = settled.min(from.plus_seconds(LONGEST));
        if !Box::pin(stretch(app, from, until, &mut matched)).await? {
            break;
        }
        remember(app, until).await?;
        from = until;
    }
    Ok(matched)
}

/// It only ever goes forward, whoever else is at it.
async fn remember(app: &App, until: Time) -> Result<(), Error> {
    match app.edge.table.write(Write::put(&MatchedUntil { until }).if_absent_or_at_most("until", until)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}

/// Answers whether Toss said all that had to be known.
async fn stretch(app: &App, from: Time, until: Time, matched: &mut Matched) -> Result<bool, Error> {
    let Some(movements) = list(app, from.plus_seconds(-CHARGED_BEFORE), until).await else { return Ok(false) };
    let is_fresh = |moved: &&Transaction| moved.transaction_at.is_none_or(|at| from <= at && at < until);
    let (fresh, earlier): (Vec<_>, Vec<_>) = movements.iter().partition(is_fresh);
    let mut charged: BTreeSet<OrderId> = earlier.iter().filter_map(|moved| moved.order_id.parse().ok()).collect();
    // The last of several movements tells how the payment stands.
    let last: BTreeMap<&str, &Transaction> =
        fresh.into_iter().map(|moved| (moved.payment_key.as_str(), moved)).collect();
    for moved in last.into_values() {
        matched.payments = matched.payments.saturating_add(1);
        // Read after the list: whoever confirms writes the payment key down first.
        let id: Option<OrderId> = moved.order_id.parse().ok();
        let order: Option<Order> = match id {
            Some(id) => app.edge.table.get_now(keys::order(id)).await?,
            None => None,
        };
        let paid = order.as_ref().filter(|order| is_paid_by(order, &moved.payment_key));
        let done = if let Some(order) = paid {
            charged.insert(order.id);
            // One that is not paid yet is in the index of due work.
            !order.state.is_paid() || says_the_same(order, moved) || compare(app, order, matched).await?
        } else {
            matched.strays = matched.strays.saturating_add(1);
            moved.status == Status::Canceled
                || settle::void_stray(app, &moved.order_id, order.as_ref(), &moved.payment_key).await? != Stray::Unknown
        };
        if !done {
            return Ok(false);
        }
    }
    for id in sold(app, from, until).await?.difference(&charged) {
        let order: Option<Order> = app.edge.table.get_now(keys::order(*id)).await?;
        if let Some(order) = order
            && !compare(app, &order, matched).await?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every movement of a stretch, oldest first; `None` if Toss does not tell.
async fn list(app: &App, from: Time, until: Time) -> Option<Vec<Transaction>> {
    let mut list: Vec<Transaction> = vec![];
    loop {
        let after = list.last().map(|moved| moved.transaction_key.clone());
        match app.toss.transactions(from, until, after.as_deref(), MOST_TRANSACTIONS).await {
            Ok(page) => {
                let is_last = page.len() < usize::try_from(MOST_TRANSACTIONS).unwrap_or_default();
                list.extend(page);
                if is_last {
                    return Some(list);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the list of transactions could not be read");
                return None;
            }
        }
    }
}

/// Whether this payment paid the order, or is about to.
fn is_paid_by(order: &Order, payment_key: &str) -> bool {
    let can_be = matches!(order.state, State::Confirming | State::AwaitingDeposit) || order.state.is_paid();
    can_be && order.payment_key.as_deref() == Some(payment_key)
}

/// Whether a movement is what a paid order expects of Toss, with no need to ask.
fn says_the_same(order: &Order, moved: &Transaction) -> bool {
    let total = order.total.get();
    moved.status == Status::Done && moved.amount == total && moved.currency == "KRW" && order.balance().get() == total
}

async fn compare(app: &App, order: &Order, matched: &mut Matched) -> Result<bool, Error> {
    matched.compared = matched.compared.saturating_add(1);
    console::look(app, order).await
}

/// The orders of which something was sold in a stretch, which is a day at most.
async fn sold(app: &App, from: Time, until: Time) -> Result<BTreeSet<OrderId>, Error> {
    let mut sold = BTreeSet::new();
    for day in BTreeSet::from([from.korean_date(), until.korean_date()]) {
        let entries = Query::index("gsi1", keys::ledger_day(&day)).between(from.to_string(), until.to_string());
        let entries: Vec<LedgerEntry> = app.edge.table.all(&entries, MOST_SALES).await?;
        let sales = entries.iter().filter(|entry| entry.occasion == domain::ledger::Occasion::Sale);
        sold.extend(sales.map(|entry| entry.order_id));
    }
    Ok(sold)
}
