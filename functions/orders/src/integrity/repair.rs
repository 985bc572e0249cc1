//! Mending what follows from the rest beyond doubt. Every write is bound to what was read, so that whoever sells meanwhile
//! wins, and the difference is found again.

use std::collections::BTreeSet;

use clock::Ids;
use domain::orders::Return;
use storage::{
    Error, Table, Tx, TxError, Write,
    items::{Order, SeatShard},
    keys,
};

use super::{
    Finding, Kind,
    compare::{self, Around, Sale, is_paid},
};
use crate::edges;

/// Mends what can be about an order: answers which findings it was.
///
/// What a paid line entitles to, the guard of an unpaid order, and what is left of lines that were given back or
/// of orders that ended: all of them are copies of what the order says. Money and the order itself are left to people,
/// and so is all of an order that its own money contradicts: it may be the order that is wrong.
pub async fn order(table: &Table, ids: &Ids, around: &Around) -> Result<BTreeSet<Finding>, Error> {
    let mut mended = BTreeSet::new();
    let Some(order) = around.order.as_ref().filter(|order| compare::money(order, around).is_empty()) else {
        return Ok(mended);
    };
    for finding in compare::of_order(around) {
        let Some(write) = mending(order, &finding) else { continue };
        let unchanged = Write::check(keys::order(order.id)).if_is("state", order.state).if_is("refunds", order.refunds);
        let unchanged = match order.open_refund {
            Some(refund) => unchanged.if_is("openRefund", refund),
            None => unchanged.if_missing("openRefund"),
        };
        if commit(Tx::once(ids.token()).and(unchanged, ()).and(write, ()), table).await? {
            mended.insert(finding);
        }
    }
    Ok(mended)
}

fn mending(order: &Order, finding: &Finding) -> Option<Write> {
    let (user, product) = finding.user_id.zip(finding.product_id)?;
    let line = order.lines.iter().find(|line| line.product_id == product && order.buyer_id == user);
    let kept = line.filter(|line| is_paid(order.state) && line.returned.is_none());
    let given_back = line.is_some_and(|line| line.returned == Some(Return::Refunded));
    let since = order.paid_at.unwrap_or(order.created_at);
    match finding.kind {
        Kind::PurchaseMissing => {
            Some(Write::put(&edges::purchase(order, kept?, since)).if_absent_or_is("orderId", order.id))
        }
        Kind::MemberMissing => {
            Some(Write::put(&edges::member(order, kept?, since)).if_absent_or_is("orderId", order.id))
        }
        Kind::PurchaseLeft if given_back => {
            Some(Write::delete(keys::purchase(user, product)).if_is("orderId", order.id))
        }
        Kind::MemberLeft if given_back => Some(Write::delete(keys::buyer(product, user)).if_is("orderId", order.id)),
        Kind::GuardLeft if !order.state.holds_seats() => {
            Some(Write::delete(keys::open_order(user, product)).if_is("orderId", order.id))
        }
        Kind::GuardMissing => Some(Write::put(&edges::guard(order, product)).if_absent()),
        _ => None,
    }
}

/// Counts the seats of a sale anew, all in one transaction: answers which findings that mended. Does nothing if more
/// seats are taken than there are.
pub async fn sale(table: &Table, ids: &Ids, sale: &Sale) -> Result<BTreeSet<Finding>, Error> {
    let findings = compare::of_sale(sale);
    let of_seats = |finding: &Finding| matches!(finding.kind, Kind::Seats | Kind::Held | Kind::Sold | Kind::Claimed);
    let mended: BTreeSet<Finding> = findings.into_iter().filter(of_seats).collect();
    let Some(writes) = recount(sale).filter(|_| !mended.is_empty()) else { return Ok(BTreeSet::new()) };
    let same_total = Write::check(keys::pwt(sale.pwt.id)).if_is("maxParticipants", sale.pwt.max_participants);
    let tx = Tx::once(ids.token()).and(same_total, ()).and_all(writes.into_iter().map(|write| (write, ())));
    Ok(if commit(tx, table).await? { mended } else { BTreeSet::new() })
}

/// Every shard with its own seats as they were, as far as all of them add up to the project's; the first ones
/// make up for the rest.
fn recount(sale: &Sale) -> Option<Vec<Write>> {
    let seats = sale.shards.iter().fold(0, |sum: i64, shard| sum.saturating_add(shard.stock.total().into()));
    let mut off = i64::from(sale.pwt.max_participants).saturating_sub(seats);
    let mut writes = vec![];
    for shard in &sale.shards {
        let (mut stock, left) = sale.recomputed(shard.shard, shard.stock.total());
        let available = left.saturating_add(off);
        off = available.min(0);
        stock.available = u32::try_from(available.max(0)).ok()?;
        writes.push(SeatShard::recount(shard, stock));
    }
    (off == 0).then_some(writes)
}

async fn commit(tx: Tx<()>, table: &Table) -> Result<bool, Error> {
    match tx.commit(table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}
