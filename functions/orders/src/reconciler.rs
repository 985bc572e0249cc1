//! The payment-reconciler: everything about orders that has to ask Toss and that no buyer waits for.
//!
//! Messages tell it where to look: that a confirmation was begun a minute ago, or that somebody
//! says a payment changed. Its schedule does what is due by the table and so finds what no message
//! told of. Both do the same steps, each a conditional write: twice, or both at once, is fine.

use domain::{
    ids::{OrderId, RefundId},
    orders::State,
    time::Time,
};
use jobs::PaymentJob;
use serde::Serialize;
use storage::{
    Query,
    items::{Order, Refund},
    keys,
};
use worker::{Failed, Failures, Message};

use crate::{
    App, console, deposits, edges, hints, refund,
    settle::{self, Progress},
    sweeper,
};

/// How many due refunds are worked on in one run.
const REFUNDS_AT_ONCE: usize = 200;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// Confirmations that were brought to an end.
    pub settled: u32,
    /// Last looks after which nothing is left to do.
    pub laid_down: u32,
    /// Refunds that were brought to an end.
    pub refunded: u32,
    /// Orders and refunds that are due again later.
    pub postponed: u32,
    /// Seats that went back because no deposit came for them.
    pub expired: u32,
}

/// Whether work that is due on an order in this state is done here, and not by the order-sweeper.
pub fn is_its_work(state: State) -> bool {
    !matches!(state, State::Pending | State::Refunded)
}

/// Does what is due now.
pub async fn reconcile(app: &App) -> Result<Reconciled, storage::Error> {
    let mut reconciled = Reconciled::default();
    for id in sweeper::due(app, is_its_work).await? {
        // The index may be behind: only the order itself says what is due.
        let order: Option<Order> = app.edge.table.get_now(keys::order(id)).await?;
        let now = app.edge.clock.now();
        if let Some(order) = order.filter(|order| order.due.is_some_and(|due| due <= now)) {
            Box::pin(finish(app, &order, now, &mut reconciled)).await?;
        }
    }
    // `~` sorts after every id: all that are due up to this very instant.
    let until = format!("{}~", app.edge.clock.now());
    let due = Query::index("gsi1", keys::DUE_REFUNDS.to_owned()).between("0", until);
    for listed in app.edge.table.all::<DueRefund>(&due, REFUNDS_AT_ONCE).await? {
        Box::pin(refund_again(app, &listed, &mut reconciled)).await?;
    }
    Ok(reconciled)
}

async fn refund_again(app: &App, listed: &DueRefund, reconciled: &mut Reconciled) -> Result<(), storage::Error> {
    let refund: Option<Refund> = app.edge.table.get_now(keys::refund(listed.order_id, listed.id)).await?;
    let order: Option<Order> = app.edge.table.get_now(keys::order(listed.order_id)).await?;
    let now = app.edge.clock.now();
    let refund = refund.filter(|refund| refund.due.is_some_and(|due| due <= now));
    let Some((refund, order)) = refund.zip(order) else { return Ok(()) };
    match refund::drive(app, order, refund.clone()).await {
        Ok(refund::Progress::Done(order) | refund::Progress::Refused { order, .. }) => {
            reconciled.refunded = reconciled.refunded.saturating_add(1);
            hints::refresh(app, &order).await;
        }
        unfinished => {
            if let Err(error) = unfinished {
                tracing::error!(refund = %refund.id, %error, "work on a due refund failed");
            }
            reconciled.postponed = reconciled.postponed.saturating_add(1);
            edges::back_off_refund(app, &refund, now).await?;
        }
    }
    Ok(())
}

/// What the index shows of a due refund.
#[derive(Debug, serde::Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DueRefund {
    /// Which.
    pub id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
}

impl storage::Stored for DueRefund {
    const TYPE: &'static str = <Refund as storage::Stored>::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::refund(self.order_id, self.id))
    }
}

/// Brings one order as far as it goes now; if that is nowhere, it is due again later.
async fn finish(app: &App, order: &Order, now: Time, reconciled: &mut Reconciled) -> Result<(), storage::Error> {
    let done = match order.state {
        State::Confirming => confirm_again(app, order, now, reconciled).await,
        State::AwaitingDeposit => await_further(app, order, now, reconciled).await,
        State::Canceled | State::Expired | State::Failed => look_again(app, order, reconciled).await,
        State::Paid | State::PartiallyRefunded => compare(app, order).await,
        // It has moved on since the index was read.
        _ => Ok(true),
    };
    // One order that cannot be worked on must not keep the others from it.
    if !done.unwrap_or_else(|error| {
        tracing::error!(order = %order.id, %error, "work on a due order failed");
        false
    }) {
        reconciled.postponed = reconciled.postponed.saturating_add(1);
        edges::back_off(app, order, now).await?;
    }
    Ok(())
}

async fn confirm_again(
    app: &App,
    order: &Order,
    now: Time,
    reconciled: &mut Reconciled,
) -> Result<bool, storage::Error> {
    if order.next_check_at.is_some_and(|next| next > now) {
        return Ok(false);
    }
    match settle::drive(app, order.clone()).await? {
        Progress::Unknown(_) => Ok(false),
        Progress::Paid(_) | Progress::Refused { .. } | Progress::Voided(_) | Progress::Awaiting(_) => {
            reconciled.settled = reconciled.settled.saturating_add(1);
            hints::refresh(app, order).await;
            Ok(true)
        }
    }
}

/// Has the deposit come? One that is overdue is given up, at Toss first.
async fn await_further(
    app: &App,
    order: &Order,
    now: Time,
    reconciled: &mut Reconciled,
) -> Result<bool, storage::Error> {
    let progress = if deposits::is_overdue(order, now) {
        deposits::give_up(app, order).await?
    } else {
        deposits::look(app, order).await?
    };
    match progress {
        deposits::Progress::Paid(_) => reconciled.settled = reconciled.settled.saturating_add(1),
        deposits::Progress::Ended(_) => reconciled.expired = reconciled.expired.saturating_add(1),
        deposits::Progress::Waiting => {
            edges::look_for_deposit_later(app, order, now).await?;
            return Ok(true);
        }
        deposits::Progress::Unknown => return Ok(false),
    }
    hints::refresh(app, order).await;
    Ok(true)
}

async fn look_again(app: &App, order: &Order, reconciled: &mut Reconciled) -> Result<bool, storage::Error> {
    if !settle::last_look(app, order).await? {
        return Ok(false);
    }
    edges::lay_down(app, order).await?;
    reconciled.laid_down = reconciled.laid_down.saturating_add(1);
    Ok(true)
}

/// A look at a paid order that was told of but could not be taken yet.
async fn compare(app: &App, order: &Order) -> Result<bool, storage::Error> {
    if !console::look(app, order).await? {
        return Ok(false);
    }
    edges::lay_down(app, order).await?;
    Ok(true)
}

/// Works on messages; answers those that come again.
pub async fn work_on(app: &App, messages: Vec<Message>) -> Failures {
    worker::each(messages, |job| {
        Box::pin(async move { Box::pin(hear(app, job)).await.map_err(|error| Failed(error.to_string())) })
    })
    .await
}

async fn hear(app: &App, job: PaymentJob) -> Result<(), storage::Error> {
    let (PaymentJob::CheckPayment { order_id } | PaymentJob::LookAtPayment { order_id, .. }) = job;
    let order: Option<Order> = app.edge.table.get_now(keys::order(order_id)).await?;
    let now = app.edge.clock.now();
    match (job, order) {
        (PaymentJob::CheckPayment { .. }, Some(order)) if order.state == State::Confirming => {
            Box::pin(finish(app, &order, now, &mut Reconciled::default())).await
        }
        (PaymentJob::LookAtPayment { undone: true, .. }, Some(order)) if order.state.is_paid() => {
            look_at_paid(app, &order, now).await
        }
        (PaymentJob::LookAtPayment { proof, .. }, Some(order))
            if can_change(&order) && is_proven(&order, proof.as_deref()) =>
        {
            look(app, &order, now).await
        }
        (_, order) => {
            ignore(order_id, order.map(|order| order.state));
            Ok(())
        }
    }
}

/// Whether what Toss says of its payments could still change an unpaid order. Every such order is in the
/// index of due work, so a message that comes at the wrong moment loses nothing but time.
fn can_change(order: &Order) -> bool {
    match order.state {
        State::Confirming | State::AwaitingDeposit => true,
        State::Canceled | State::Expired | State::Failed => order.due.is_some(),
        _ => false,
    }
}

/// Whether a message about a deposit comes from somebody who knows the payment's secret, as Toss
/// does. The hash of it is compared, so nothing is told by how long that takes.
fn is_proven(order: &Order, proof: Option<&str>) -> bool {
    let expected = order.deposit.as_ref().and_then(|deposit| deposit.proof.as_deref());
    expected.is_none() || expected == proof
}

fn ignore(order: OrderId, state: Option<State>) {
    tracing::debug!(%order, state = state.map_or("NONE", State::as_str), "a message has nothing to say any more");
}

/// Looks at the payment of a paid order, from which somebody says that money went back. Paid orders
/// are in no index of due work: one that cannot be looked at now is put there.
async fn look_at_paid(app: &App, order: &Order, now: Time) -> Result<(), storage::Error> {
    let looked = edges::take_turn_to_look(app, order, now).await? && console::look(app, order).await?;
    if looked { Ok(()) } else { edges::back_off(app, order, now).await }
}

/// Looks at Toss because somebody said so, if nobody did just now.
async fn look(app: &App, order: &Order, now: Time) -> Result<(), storage::Error> {
    if !edges::take_turn_to_look(app, order, now).await? {
        return Ok(());
    }
    if order.state == State::Confirming {
        return match settle::drive(app, order.clone()).await? {
            // The schedule goes on with it when it is due.
            Progress::Unknown(_) => Ok(()),
            Progress::Paid(_) | Progress::Refused { .. } | Progress::Voided(_) | Progress::Awaiting(_) => {
                hints::refresh(app, order).await;
                Ok(())
            }
        };
    }
    if order.state == State::AwaitingDeposit {
        return match deposits::look(app, order).await? {
            deposits::Progress::Paid(_) | deposits::Progress::Ended(_) => {
                hints::refresh(app, order).await;
                Ok(())
            }
            // It is looked for again when it is due.
            deposits::Progress::Waiting | deposits::Progress::Unknown => Ok(()),
        };
    }
    // The last look proper comes in its time, whatever this one finds.
    settle::last_look(app, order).await.map(drop)
}
