//! The edges that give money and seats back.

use domain::{
    ids::{OrderId, RefundRequestId},
    orders::{RefundState, RequestState, Return, State},
    time::Time,
};
use storage::{
    Tx, Write,
    items::{Order, OrderLine, Refund, RefundRequest, SeatShard, User},
    keys,
};

use super::{Lost, NotMoved, reschedule, single, turns::pause_seconds};
use crate::{App, ledger};

/// Writes a refund down, before Toss is asked: from here on its lines give no access any more.
pub async fn begin_refund(app: &App, order: &Order, refund: &Refund) -> Result<Order, NotMoved> {
    let lines = marked(order, refund, Some(Return::Refunding));
    let begun = Write::update(keys::order(order.id))
        .set("lines", &lines)
        .set("openRefund", refund.id)
        .add("refunds", 1)
        .if_is("state", order.state)
        .if_is("refunds", order.refunds)
        .if_missing("openRefund");
    // Who finishes the refund answers the request, and so must know of it.
    let begun = match order.refund_request {
        Some(request) => begun.if_is("refundRequest", request),
        None => begun.if_missing("refundRequest"),
    };
    let entitlements = refund.products.iter().flat_map(|product| {
        [keys::purchase(order.buyer_id, *product), keys::buyer(*product, order.buyer_id)]
            .map(|key| Write::update(key).set("refunding", true).if_is("orderId", order.id))
    });
    Tx::once(app.edge.ids.token())
        .and(begun, Lost::Order)
        .and(Write::put(refund).if_absent(), Lost::Refund)
        .and_all(entitlements.map(|write| (write, Lost::Order)))
        .commit(&app.edge.table)
        .await?;
    let refunds = order.refunds.saturating_add(1);
    Ok(Order { lines, open_refund: Some(refund.id), refunds, ..order.clone() })
}

/// `PAID`, `PARTIALLY_REFUNDED` → `PARTIALLY_REFUNDED`, `REFUNDED`: the money is back, and so are the seats.
pub async fn finish_refund(app: &App, order: &Order, refund: &Refund, now: Time) -> Result<Order, NotMoved> {
    let lines = marked(order, refund, Some(Return::Refunded));
    let all = lines.iter().all(|line| line.returned == Some(Return::Refunded));
    let to = if all { State::Refunded } else { State::PartiallyRefunded };
    // Another's refund than the buyer's own is an admin's answer; and where nothing is left, nothing can be asked for.
    let answered = order.refund_request.filter(|_| all || refund.asked_by != order.buyer_id);
    let refunded = refunded(order, refund, to, &lines);
    let refunded = if answered.is_some() { refunded.remove("refundRequest") } else { refunded };
    let mut tx = Tx::once(app.edge.ids.token())
        .and(refunded, Lost::Order)
        .and(end_refund(refund, RefundState::Done, now), Lost::Refund)
        .and_all(answered.map(|request| (answer_request(order.id, request), Lost::Order)));
    for line in lines_of(order, refund) {
        let (product, buyer) = (line.product_id, order.buyer_id);
        tx = tx
            .and(SeatShard::take_back(product.into(), line.shard), Lost::Seat(product))
            .and(Write::delete(keys::purchase(buyer, product)).if_absent_or_is("orderId", order.id), Lost::Order)
            .and(Write::delete(keys::buyer(product, buyer)).if_absent_or_is("orderId", order.id), Lost::Order)
            .and_all(ledger::refund(order, line, refund, now).map(|write| (write, Lost::Refund)));
    }
    tx.commit(&app.edge.table).await?;
    let refund_request = order.refund_request.filter(|_| answered.is_none());
    Ok(Order { state: to, lines, open_refund: None, refund_request, ..order.clone() })
}

fn answer_request(order: OrderId, request: RefundRequestId) -> Write {
    Write::update(keys::refund_request(order, request))
        .set("state", RequestState::Answered)
        .remove("gsi1pk")
        .remove("gsi1sk")
        .if_is("state", RequestState::Open)
}

/// Writes down that the buyer asks an admin for a refund, and that `record` of it: one request at a time, and none
/// while a refund is at work.
pub async fn request_refund(app: &App, order: &Order, request: &RefundRequest, record: Write) -> Result<(), NotMoved> {
    let asked = Write::update(keys::order(order.id))
        .set("refundRequest", request.id)
        .if_is("state", order.state)
        .if_is("refunds", order.refunds)
        .if_missing("openRefund")
        .if_missing("refundRequest");
    Tx::once(app.edge.ids.token())
        .and(record, Lost::Order)
        .and(asked, Lost::Order)
        .and(Write::put(request).if_absent(), Lost::Order)
        .and(User::must_be_active(order.buyer_id), Lost::Buyer)
        .commit(&app.edge.table)
        .await?;
    Ok(())
}

/// Toss refused the refund for good: the lines are the buyer's again.
pub async fn refuse_refund(
    app: &App,
    order: &Order,
    refund: &Refund,
    code: &str,
    now: Time,
) -> Result<Order, NotMoved> {
    let lines = marked(order, refund, None);
    let kept = Write::update(keys::order(order.id))
        .set("lines", &lines)
        .remove("openRefund")
        .if_is("state", order.state)
        .if_is("openRefund", refund.id);
    let entitlements = refund.products.iter().flat_map(|product| {
        [keys::purchase(order.buyer_id, *product), keys::buyer(*product, order.buyer_id)]
            .map(|key| Write::update(key).set("refunding", false).if_is("orderId", order.id))
    });
    Tx::once(app.edge.ids.token())
        .and(kept, Lost::Order)
        .and(end_refund(refund, RefundState::Refused, now).set("failure", code), Lost::Refund)
        .and_all(entitlements.map(|write| (write, Lost::Order)))
        .commit(&app.edge.table)
        .await?;
    Ok(Order { lines, open_refund: None, ..order.clone() })
}

/// The next attempt of a refund under a new key: only after `n` itself was answered and nothing moved.
pub async fn next_refund_attempt(app: &App, refund: &Refund) -> Result<Refund, NotMoved> {
    let n = refund.n.saturating_add(1);
    single(app, at_attempt(refund).set("n", n)).await?;
    Ok(Refund { n, ..refund.clone() })
}

/// Work on a refund came to nothing: it is due again later, ever later.
pub async fn back_off_refund(app: &App, refund: &Refund, now: Time) -> Result<(), storage::Error> {
    let setbacks = refund.setbacks.saturating_add(1);
    let due = now.plus_seconds(pause_seconds(setbacks));
    let index = keys::due_refund(refund.order_id, due);
    let write = Write::update(keys::refund(refund.order_id, refund.id))
        .set("setbacks", setbacks)
        .set("due", due)
        .set("gsi1pk", index.pk)
        .set("gsi1sk", index.sk)
        .if_is("state", RefundState::Requested);
    match single(app, write).await {
        Ok(()) | Err(NotMoved::Lost(_)) => Ok(()),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

fn refunded(order: &Order, refund: &Refund, to: State, lines: &[OrderLine]) -> Write {
    debug_assert!(order.state.may_become(to), "{:?} -> {to:?} is no edge", order.state);
    let write = Write::update(keys::order(order.id)).set("state", to);
    reschedule(write, order.id, to, order.due)
        .set("lines", lines)
        .remove("openRefund")
        .if_is("state", order.state)
        .if_is("openRefund", refund.id)
}

/// A refund that is still asked for, at the attempt that it was read in.
fn at_attempt(refund: &Refund) -> Write {
    Write::update(keys::refund(refund.order_id, refund.id)).if_is("state", RefundState::Requested).if_is("n", refund.n)
}

fn end_refund(refund: &Refund, state: RefundState, now: Time) -> Write {
    let ended = at_attempt(refund).set("state", state).set("endedAt", now).remove("accountCipher");
    ended.remove("due").remove("gsi1pk").remove("gsi1sk")
}

/// The lines that a refund gives back.
fn lines_of<'a>(order: &'a Order, refund: &'a Refund) -> impl Iterator<Item = &'a OrderLine> {
    order.lines.iter().filter(|line| refund.products.contains(&line.product_id))
}

fn marked(order: &Order, refund: &Refund, returned: Option<Return>) -> Vec<OrderLine> {
    let mut lines = order.lines.clone();
    for line in lines.iter_mut().filter(|line| refund.products.contains(&line.product_id)) {
        line.returned = returned;
    }
    lines
}
