//! Bringing a refund to its end, as far as Toss lets us.
//!
//! It is written down first, then Toss is asked, then the seats go back, each a conditional step:
//! whoever calls this, the caller of `cancel_order` again or the sweeper, does the same ones. What
//! Toss does not say is no refusal, and where the balance shows the refund it is done.

use std::ops::ControlFlow::{self, Break, Continue};

use domain::{
    ids::{ProductId, UserId},
    orders::RefundState,
};
use storage::{
    items::{Order, Refund},
    keys,
};
use toss::{Failure, Payment};

use crate::{
    App,
    edges::{self, Lost, NotMoved},
    refund_account,
};

/// How far a refund has come.
#[derive(Debug)]
pub enum Progress {
    /// The money is back, now or before.
    Done(Order),
    /// Toss refused for good.
    Refused {
        /// As it was left: its lines are the buyer's.
        order: Order,
        /// Toss's code.
        code: String,
    },
    /// Nobody knows yet.
    Unknown(Order),
}

/// How often one call may begin anew after losing a race or counting up an attempt.
const ROUNDS: usize = 4;
/// How long after it was asked for the sweeper looks after a refund that nobody finished.
const PATIENCE_SECONDS: i64 = 60;

/// What is to be given back, as it will be written down.
pub fn of(app: &App, order: &Order, products: Vec<ProductId>, reason: String, asked_by: UserId) -> Refund {
    let now = app.edge.clock.now();
    let lines = order.lines.iter().filter(|line| products.contains(&line.product_id));
    Refund {
        id: app.edge.ids.id(),
        order_id: order.id,
        amount: domain::orders::total(lines.map(|line| line.price.won())),
        refundable: order.balance(),
        products,
        reason,
        asked_by,
        n: 1,
        state: RefundState::Requested,
        asked_at: now,
        ended_at: None,
        failure: None,
        account_cipher: None,
        due: Some(now.plus_seconds(PATIENCE_SECONDS)),
        setbacks: 0,
    }
}

/// The refund that an order is at, if there is one.
pub async fn open(app: &App, order: &Order) -> Result<Option<Refund>, storage::Error> {
    match order.open_refund {
        Some(id) => app.edge.table.get_now(keys::refund(order.id, id)).await,
        None => Ok(None),
    }
}

/// Brings a refund that was begun as far as it goes now.
pub async fn drive(app: &App, order: Order, refund: Refund) -> Result<Progress, storage::Error> {
    let (mut order, mut refund) = (order, refund);
    for _ in 0..ROUNDS {
        match round(app, &order, &refund).await {
            Ok(Break(progress)) => return Ok(progress),
            Ok(Continue(next)) => refund = next,
            Err(NotMoved::Storage(error)) => return Err(error),
            Err(NotMoved::Lost(lost)) => {
                let vanished = || storage::Error::Corrupt(format!("refund {} or its order vanished", refund.id));
                let present: Option<Refund> = app.edge.table.get_now(keys::refund(order.id, refund.id)).await?;
                let present = present.ok_or_else(vanished)?;
                order = app.edge.table.get_now(keys::order(order.id)).await?.ok_or_else(vanished)?;
                match present.state {
                    RefundState::Done => return Ok(Progress::Done(order)),
                    RefundState::Refused => {
                        return Ok(Progress::Refused { order, code: present.failure.unwrap_or_default() });
                    }
                    RefundState::Requested => {
                        tracing::warn!(order = %order.id, ?lost, "a step of a refund lost a race");
                        refund = present;
                    }
                }
            }
        }
    }
    Ok(Progress::Unknown(order))
}

async fn round(app: &App, order: &Order, refund: &Refund) -> Result<ControlFlow<Progress, Refund>, NotMoved> {
    // The order was read later than the refund, which somebody else has ended in between.
    if order.open_refund != Some(refund.id) {
        return Err(NotMoved::Lost(vec![Lost::Refund]));
    }
    if refund.amount.get() == 0 {
        return finish(app, order, refund).await;
    }
    let payment_key = order.payment_key.as_deref();
    let payment_key = payment_key
        .ok_or_else(|| storage::Error::Corrupt(format!("order {} is paid without a payment key", order.id)))?;
    let key = format!("refund:{}:{}", refund.id, refund.n);
    // All that is left goes back as such: not every method gives back parts.
    let part = (refund.amount < refund.refundable).then_some(refund.amount);
    let account = refund_account::of(app, refund)?;
    let (reason, left) = (&refund.reason, Some(refund.refundable));
    let sent = app.toss.cancel_to(&key, payment_key, reason, part, left, account.as_ref()).await;
    let unknown = |error: &Failure| {
        tracing::warn!(order = %order.id, %error, "no final answer to a refund");
        Ok(Break(Progress::Unknown(order.clone())))
    };
    let (payment, moved) = match sent {
        Ok(payment) => (payment, true),
        Err(Failure::Refused { code, .. }) => return refuse(app, order, refund, code).await,
        Err(Failure::Unsendable(why)) => {
            tracing::error!(order = %order.id, why, alarm = true, "a refund cannot be sent");
            return refuse(app, order, refund, "UNSENDABLE".to_owned()).await;
        }
        Err(error @ (Failure::AlreadyCanceled { .. } | Failure::BalanceMoved { .. })) => {
            tracing::warn!(order = %order.id, %error, "a refund met another balance");
            match app.toss.payment(payment_key).await {
                Ok(payment) => (payment, true),
                Err(error) => return unknown(&error),
            }
        }
        Err(error @ (Failure::AnsweredUnknown { .. } | Failure::Misconfigured { .. })) => {
            let alarm = matches!(error, Failure::Misconfigured { .. });
            tracing::error!(order = %order.id, %error, alarm, "the outcome of a refund is unknown");
            match app.toss.payment(payment_key).await {
                Ok(payment) => (payment, false),
                Err(error) => return unknown(&error),
            }
        }
        Err(error) => return unknown(&error),
    };
    let mut balance = balance_of(order, &payment);
    if balance.is_none() {
        // Toss would repeat that answer for days: what it says when asked anew counts.
        tracing::error!(order = %order.id, alarm = true, "a refund was answered with another payment");
        match app.toss.payment(payment_key).await {
            Ok(payment) => balance = balance_of(order, &payment),
            Err(error) => return unknown(&error),
        }
    }
    match balance {
        Some(balance) if balance == left_after(refund) || balance == 0 => finish(app, order, refund).await,
        // Answered, and nothing has moved: only a new key can.
        Some(balance) if !moved && balance == refund.refundable.get() => {
            Ok(Continue(edges::next_refund_attempt(app, refund).await?))
        }
        balance => {
            tracing::error!(order = %order.id, ?balance, alarm = true, "a refund needs an operator: the balance at Toss is another");
            Ok(Break(Progress::Unknown(order.clone())))
        }
    }
}

fn left_after(refund: &Refund) -> i64 {
    refund.refundable.get().saturating_sub(refund.amount.get())
}

/// What Toss holds, if it speaks of this order's payment at all.
pub fn balance_of(order: &Order, payment: &Payment) -> Option<i64> {
    let ours = Some(&payment.payment_key) == order.payment_key.as_ref()
        && payment.order_id == order.id.to_string()
        && payment.currency == "KRW"
        && payment.total_amount == order.total.get();
    ours.then_some(payment.balance_amount)
}

async fn finish(app: &App, order: &Order, refund: &Refund) -> Result<ControlFlow<Progress, Refund>, NotMoved> {
    let order = edges::finish_refund(app, order, refund, app.edge.clock.now()).await?;
    Ok(Break(Progress::Done(order)))
}

async fn refuse(
    app: &App,
    order: &Order,
    refund: &Refund,
    code: String,
) -> Result<ControlFlow<Progress, Refund>, NotMoved> {
    // Who gave a wrong account gives another one.
    let alarm = !refund_account::is_refused_by(&code);
    tracing::error!(order = %order.id, code, alarm, "Toss refused a refund");
    let order = edges::refuse_refund(app, order, refund, &code, app.edge.clock.now()).await?;
    Ok(Break(Progress::Refused { order, code }))
}
