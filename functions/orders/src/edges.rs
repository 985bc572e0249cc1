//! The edges of the order's state machine as transactions. No other write moves an order.
//!
//! Each carries the state that it leaves as its condition; `State::may_become` and
//! `infra/docs/order-states.md` list the edges.

mod refunds;
mod turns;

use domain::{
    ids::{OrderId, ProductId},
    orders::{EXPIRY_GRACE_SECONDS, LAST_LOOK_SECONDS, State},
    time::Time,
};
use storage::{
    Tx, TxError, Write, WriteError,
    items::{
        Buyer, Deposit, Lapses, OpenOrder, Order, OrderLine, Payment, PaymentKeyGuard, Purchase, SeatShard, Settlement,
        User, Void,
    },
    keys,
};

pub use self::{
    refunds::{back_off_refund, begin_refund, finish_refund, next_refund_attempt, refuse_refund, request_refund},
    turns::{back_off, lay_down, take_turn_to_ask, take_turn_to_look},
};
use crate::{App, ledger};

/// Which part of a move did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The order is not where it was.
    Order,
    /// Its buyer's account is not in use.
    Buyer,
    /// The payment key was sent for another order.
    PaymentKey,
    /// A shard does not count the line's seat as held.
    Seat(ProductId),
    /// The guard of a product is another order's.
    Guard(ProductId),
    /// The lapses of the buyer changed meanwhile.
    Lapses,
    /// The refund is not where it was.
    Refund,
}

/// Why an order was not moved.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// Somebody else was faster, or something is not as it should be; the parts that did not hold.
    #[error("an order was not moved: {0:?}")]
    Lost(Vec<Lost>),
    /// The table failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<TxError<Lost>> for NotMoved {
    fn from(error: TxError<Lost>) -> Self {
        match error {
            TxError::Unmet(unmet) => Self::Lost(unmet.into_iter().map(|unmet| unmet.refusal).collect()),
            TxError::Storage(error) => Self::Storage(error),
        }
    }
}

/// When an order that waits for payment may be let go.
pub fn expiry(hold_until: Time) -> Time {
    hold_until.plus_seconds(EXPIRY_GRACE_SECONDS)
}

/// How long after confirming began somebody looks after it, if nobody finished it.
pub const CONFIRM_PATIENCE_SECONDS: u32 = 60;

/// An update of an order in `from`, to `to`, whose next work is due at `due`.
fn step(order: &Order, from: State, to: State, due: Option<Time>) -> Write {
    debug_assert!(from.may_become(to), "{from:?} -> {to:?} is no edge");
    let write = Write::update(keys::order(order.id)).set("state", to).if_is("state", from);
    reschedule(write, order.id, to, due).set("setbacks", 0)
}

fn reschedule(write: Write, id: OrderId, state: State, due: Option<Time>) -> Write {
    let index = keys::order_by_work(id, state, due);
    write.set_or_remove("due", due).set("gsi1pk", index.pk).set("gsi1sk", index.sk)
}

/// The conditions under which the confirmation that `order` was read in is still the present one.
fn same_confirmation(write: Write, order: &Order) -> Write {
    write.if_is("paymentKey", &order.payment_key).if_is("attempt", order.attempt).if_missing("void")
}

/// PENDING → CONFIRMING: stores what is about to be sent to Toss.
pub async fn begin_confirming(app: &App, order: &Order, payment_key: &str, now: Time) -> Result<Order, NotMoved> {
    let due = now.plus_seconds(CONFIRM_PATIENCE_SECONDS.into());
    let attempt = order.attempt.saturating_add(1);
    let guard = PaymentKeyGuard { payment_key: payment_key.to_owned(), order_id: order.id };
    Tx::once(app.edge.ids.token())
        .and(
            step(order, State::Pending, State::Confirming, Some(due))
                .set("paymentKey", payment_key)
                .set("attempt", attempt)
                .remove("failure")
                .if_is("attempt", order.attempt)
                .if_above("holdUntil", now),
            Lost::Order,
        )
        .and(User::must_be_active(order.buyer_id), Lost::Buyer)
        .and(Write::put(&guard).if_absent_or_is("orderId", order.id), Lost::PaymentKey)
        .commit(&app.edge.table)
        .await?;
    let payment_key = Some(payment_key.to_owned());
    Ok(Order { state: State::Confirming, payment_key, attempt, due: Some(due), failure: None, ..order.clone() })
}

/// `CONFIRMING` → `AWAITING_DEPOSIT`: the seats stay held until the deposit is due.
pub async fn await_deposit(app: &App, order: &Order, deposit: Deposit, now: Time) -> Result<Order, NotMoved> {
    let until = deposit.due_date;
    let due = next_deposit_look(until, now);
    let waiting = step(order, State::Confirming, State::AwaitingDeposit, Some(due))
        .set("deposit", &deposit)
        .set("holdUntil", until);
    let mut tx = Tx::once(app.edge.ids.token()).and(same_confirmation(waiting, order), Lost::Order);
    for line in &order.lines {
        let (product, guard) = (line.product_id, keys::open_order(order.buyer_id, line.product_id));
        tx = tx
            .and(SeatShard::hold_on(product.into(), line.shard, until), Lost::Seat(product))
            .and(Write::update(guard).set("holdUntil", until).if_is("orderId", order.id), Lost::Guard(product));
    }
    tx.commit(&app.edge.table).await?;
    let (due, deposit) = (Some(due), Some(Box::new(deposit)));
    Ok(Order { state: State::AwaitingDeposit, hold_until: until, due, deposit, ..order.clone() })
}

/// When Toss is asked about a deposit that nobody has told of: each hour, and when it is overdue.
fn next_deposit_look(until: Time, now: Time) -> Time {
    const HOUR: i64 = 60 * 60;
    expiry(until).min(now.plus_seconds(HOUR))
}

/// The deposit has not come, and there is time: it is looked for again.
pub async fn look_for_deposit_later(app: &App, order: &Order, now: Time) -> Result<(), storage::Error> {
    let state = State::AwaitingDeposit;
    let write = Write::update(keys::order(order.id)).set("setbacks", 0).if_is("state", state);
    match single(app, reschedule(write, order.id, state, Some(next_deposit_look(order.hold_until, now)))).await {
        Ok(()) | Err(NotMoved::Lost(_)) => Ok(()),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

/// `CONFIRMING`, `AWAITING_DEPOSIT` → `PAID`: holds become sold, the buyer gets what was bought, all at once.
pub async fn settle(app: &App, order: &Order, payment: &toss::Payment, now: Time) -> Result<Order, NotMoved> {
    let settlement = Settlement {
        method: payment.method.clone(),
        receipt_url: payment.receipt_url.clone(),
        partial_refunds: payment.is_partial_cancelable,
    };
    let record = Payment {
        order_id: order.id,
        payment_key: payment.payment_key.clone(),
        amount: order.total,
        method: payment.method.clone(),
        approved_at: payment.approved_at,
        settled_at: now,
    };
    let paid = step(order, order.state, State::Paid, None)
        .set("paidAt", now)
        .set("payment", &settlement)
        .remove("deposit")
        .if_is("paymentKey", &order.payment_key)
        .if_missing("void");
    let mut tx = Tx::once(app.edge.ids.token()).and(paid, Lost::Order).and(Write::put(&record), Lost::Order);
    for line in &order.lines {
        tx = tx.and(SeatShard::sell(line.product_id.into(), line.shard), Lost::Seat(line.product_id));
        tx = tx.and(release_guard(order, line.product_id), Lost::Guard(line.product_id));
    }
    let follows = delivery(order, now).chain(ledger::sales(order, now));
    tx.and_all(follows.map(|write| (write, Lost::Order))).commit(&app.edge.table).await?;
    let (paid_at, payment) = (Some(now), Some(settlement));
    Ok(Order { state: State::Paid, paid_at, payment, due: None, deposit: None, ..order.clone() })
}

/// What a paid order gives its buyer, and the cart lines that it fulfils.
pub fn delivery(order: &Order, now: Time) -> impl Iterator<Item = Write> + '_ {
    order.lines.iter().flat_map(move |line| {
        let bought = [Write::put(&purchase(order, line, now)), Write::put(&member(order, line, now))];
        bought.into_iter().chain([Write::delete(keys::cart_line(order.buyer_id, line.product_id))])
    })
}

/// A line as its buyer's purchase.
pub fn purchase(order: &Order, line: &OrderLine, purchased_at: Time) -> Purchase {
    Purchase {
        user_id: order.buyer_id,
        product_id: line.product_id,
        order_id: order.id,
        title: line.title.clone(),
        price: line.price,
        purchased_at,
        refunding: false,
    }
}

/// A line's buyer among those of its product.
pub fn member(order: &Order, line: &OrderLine, since: Time) -> Buyer {
    Buyer { product_id: line.product_id, user_id: order.buyer_id, order_id: order.id, since, refunding: false }
}

fn release_guard(order: &Order, product: ProductId) -> Write {
    Write::delete(keys::open_order(order.buyer_id, product)).if_absent_or_is("orderId", order.id)
}

/// The seats and guards of an order that is let go.
fn release(order: &Order) -> impl Iterator<Item = (Write, Lost)> + '_ {
    order.lines.iter().flat_map(|line| {
        let product = line.product_id;
        [
            (SeatShard::let_go(product.into(), line.shard), Lost::Seat(product)),
            (release_guard(order, product), Lost::Guard(product)),
        ]
    })
}

/// When Toss is asked once more about an order that is left unpaid; never if it was never asked.
fn last_look(order: &Order, now: Time) -> Option<Time> {
    (order.payment_key.is_some() || !order.refused_keys.is_empty()).then(|| now.plus_seconds(LAST_LOOK_SECONDS))
}

/// `PENDING`, `AWAITING_DEPOSIT` → `CANCELED`: the buyer gave up, and Toss knows.
pub async fn cancel(app: &App, order: &Order, failure: Option<&str>, now: Time) -> Result<Order, NotMoved> {
    let due = last_look(order, now);
    let mut canceled = step(order, order.state, State::Canceled, due).remove("deposit");
    if let Some(failure) = failure {
        canceled = canceled.set("failure", failure);
    }
    let tx = Tx::once(app.edge.ids.token()).and(canceled, Lost::Order).and_all(release(order));
    tx.commit(&app.edge.table).await?;
    let failure = failure.map(str::to_owned).or_else(|| order.failure.clone());
    Ok(Order { state: State::Canceled, due, failure, deposit: None, ..order.clone() })
}

/// `PENDING`, `AWAITING_DEPOSIT` → `EXPIRED`: nobody paid in time. Notes a lapse of the buyer on each product.
pub async fn expire(app: &App, order: &Order, now: Time) -> Result<(), NotMoved> {
    let wanted = order.lines.iter().map(|line| keys::lapses(order.buyer_id, line.product_id));
    let before: Vec<Lapses> = app.edge.table.get_all_now(wanted).await?;
    let expired = step(order, order.state, State::Expired, last_look(order, now))
        .remove("deposit")
        .if_at_most("holdUntil", now.plus_seconds(-EXPIRY_GRACE_SECONDS));
    let mut tx = Tx::once(app.edge.ids.token()).and(expired, Lost::Order).and_all(release(order));
    for line in &order.lines {
        let earlier = before.iter().find(|lapses| lapses.product_id == line.product_id);
        let (at, blocked_until) = domain::orders::record_lapse(earlier.map_or(&[], |lapses| &lapses.at), now);
        let version = earlier.map_or(0, |lapses| lapses.version);
        let lapses = Lapses {
            user_id: order.buyer_id,
            product_id: line.product_id,
            at,
            blocked_until,
            version: version.saturating_add(1),
        };
        tx = tx.and(Write::put(&lapses).if_absent_or_is("version", version), Lost::Lapses);
    }
    Ok(tx.commit(&app.edge.table).await?)
}

/// CONFIRMING → PENDING while the hold lasts, else → FAILED: Toss refused this payment for good.
pub async fn refuse(app: &App, order: &Order, code: &str, now: Time) -> Result<Order, NotMoved> {
    let mut left = Order { failure: Some(code.to_owned()), ..order.clone() };
    left.refused_keys.extend(left.payment_key.take());
    let token = app.edge.ids.token();
    let tx = if order.hold_until > now {
        (left.state, left.due) = (State::Pending, Some(expiry(order.hold_until)));
        Tx::once(token).and(refusal(order, &left), Lost::Order)
    } else {
        (left.state, left.due) = (State::Failed, last_look(&left, now));
        Tx::once(token).and(refusal(order, &left), Lost::Order).and_all(release(order))
    };
    tx.commit(&app.edge.table).await?;
    Ok(left)
}

fn refusal(order: &Order, left: &Order) -> Write {
    let write = step(order, State::Confirming, left.state, left.due)
        .set_or_remove("failure", left.failure.as_deref())
        .set("refusedKeys", &left.refused_keys)
        .remove("paymentKey");
    same_confirmation(write, order)
}

/// The next attempt of the same payment, under a new key at Toss. Only after the attempt that
/// `order` was read in was answered and left the payment in progress.
pub async fn next_attempt(app: &App, order: &Order) -> Result<Order, NotMoved> {
    let attempt = order.attempt.saturating_add(1);
    let write = Write::update(keys::order(order.id)).set("attempt", attempt).if_is("state", State::Confirming);
    single(app, same_confirmation(write, order)).await?;
    Ok(Order { attempt, ..order.clone() })
}

/// Writes down that the charge is to be cancelled in full, before it is.
pub async fn intend_void(app: &App, order: &Order, reason: &str) -> Result<Order, NotMoved> {
    let void = Void { m: 1, reason: reason.to_owned() };
    let write = Write::update(keys::order(order.id))
        .set("void", &void)
        .if_is("state", State::Confirming)
        .if_is("paymentKey", &order.payment_key)
        .if_missing("void");
    single(app, write).await?;
    Ok(Order { void: Some(void), ..order.clone() })
}

/// The next key of the cancel: only after `m` itself was answered and the charge still stands.
pub async fn next_void(app: &App, order: &Order, void: &Void) -> Result<(), NotMoved> {
    let next = Void { m: void.m.saturating_add(1), reason: void.reason.clone() };
    let write = Write::update(keys::order(order.id)).set("void", &next).if_is("void", void);
    single(app, write).await
}

/// CONFIRMING → FAILED: the charge, `payment`, is known to be cancelled in full.
pub async fn finish_void(
    app: &App,
    order: &Order,
    void: &Void,
    payment: &toss::Payment,
    now: Time,
) -> Result<Order, NotMoved> {
    let due = last_look(order, now);
    let failed = step(order, State::Confirming, State::Failed, due)
        .set("failure", &void.reason)
        .if_is("paymentKey", &order.payment_key)
        .if_has("void");
    let tx = Tx::once(app.edge.ids.token()).and(failed, Lost::Order).and_all(release(order));
    tx.and_all(ledger::void(order, payment, now).map(|write| (write, Lost::Order))).commit(&app.edge.table).await?;
    Ok(Order { state: State::Failed, failure: Some(void.reason.clone()), due, ..order.clone() })
}

async fn single(app: &App, write: Write) -> Result<(), NotMoved> {
    match app.edge.table.write(write).await {
        Ok(()) => Ok(()),
        Err(WriteError::Unmet(_)) => Err(NotMoved::Lost(vec![Lost::Order])),
        Err(WriteError::Storage(error)) => Err(error.into()),
    }
}

/// The guard that a new order puts on a product.
pub fn guard(order: &Order, product_id: ProductId) -> OpenOrder {
    OpenOrder { user_id: order.buyer_id, product_id, order_id: order.id, hold_until: order.hold_until }
}

#[cfg(test)]
mod tests;
