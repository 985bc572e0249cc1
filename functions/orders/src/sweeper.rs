//! The order-sweeper: does the work that is due on orders, whoever left it.
//!
//! Lets go of holds that nobody paid, sends confirmations and refunds again that nobody finished, and
//! takes a last look at Toss for orders that were left unpaid. Then it looks after the waitlists.
//! Running it twice, or two at once, is fine.

use domain::{
    ids::{OrderId, RefundId},
    orders::State,
};
use serde::Serialize;
use storage::{
    Query,
    items::{Order, Refund},
    keys,
};

use crate::{
    App,
    edges::{self, NotMoved},
    hints, refund,
    settle::{self, Progress},
    waitlist,
};

/// How many due orders of one partition are looked at in one run.
const ORDERS_PER_PARTITION: usize = 200;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Holds that ended unpaid and went back into stock.
    pub expired: u32,
    /// Confirmations that were brought to an end.
    pub settled: u32,
    /// Last looks after which nothing is left to do.
    pub laid_down: u32,
    /// Refunds that were brought to an end.
    pub refunded: u32,
    /// Freed seats that are kept for who was next on a waitlist.
    pub claimed: u32,
    /// Claims that nobody ordered in time.
    pub claims_ended: u32,
    /// Orders, refunds and waitlists that are due again later.
    pub postponed: u32,
}

/// Does what is due now.
pub async fn sweep(app: &App) -> Result<Swept, storage::Error> {
    let mut swept = Swept::default();
    let until = app.edge.clock.now().to_string();
    for shard in 0..keys::DUE_SHARDS {
        // `~` sorts after every id: all that are due up to this very instant.
        let due = Query::index("gsi1", keys::due_orders(shard)).between("0", format!("{until}~"));
        for listed in app.edge.table.all::<DueOrder>(&due, ORDERS_PER_PARTITION).await? {
            work_on(app, listed.id, &mut swept).await?;
        }
    }
    let due = Query::index("gsi1", keys::DUE_REFUNDS.to_owned()).between("0", format!("{until}~"));
    for listed in app.edge.table.all::<DueRefund>(&due, ORDERS_PER_PARTITION).await? {
        refund_again(app, &listed, &mut swept).await?;
    }
    // After the orders: what they let go of finds its next owner at once.
    waitlist::sweep(app, &mut swept).await?;
    Ok(swept)
}

async fn refund_again(app: &App, listed: &DueRefund, swept: &mut Swept) -> Result<(), storage::Error> {
    let refund: Option<Refund> = app.edge.table.get_now(keys::refund(listed.order_id, listed.id)).await?;
    let order: Option<Order> = app.edge.table.get_now(keys::order(listed.order_id)).await?;
    let now = app.edge.clock.now();
    let refund = refund.filter(|refund| refund.due.is_some_and(|due| due <= now));
    let Some((refund, order)) = refund.zip(order) else { return Ok(()) };
    match refund::drive(app, order, refund.clone()).await {
        Ok(refund::Progress::Done(order) | refund::Progress::Refused { order, .. }) => {
            swept.refunded = swept.refunded.saturating_add(1);
            hints::refresh(app, &order).await;
        }
        unfinished => {
            if let Err(error) = unfinished {
                tracing::error!(refund = %refund.id, %error, "work on a due refund failed");
            }
            swept.postponed = swept.postponed.saturating_add(1);
            edges::back_off_refund(app, &refund, now).await?;
        }
    }
    Ok(())
}

async fn work_on(app: &App, id: OrderId, swept: &mut Swept) -> Result<(), storage::Error> {
    // The index may be behind: only the order itself says what is due.
    let order: Option<Order> = app.edge.table.get_now(keys::order(id)).await?;
    let now = app.edge.clock.now();
    let Some(order) = order.filter(|order| order.due.is_some_and(|due| due <= now)) else { return Ok(()) };
    let done = match order.state {
        State::Pending => expire(app, &order, swept).await,
        State::Confirming => confirm_again(app, &order, swept).await,
        State::Canceled | State::Expired | State::Failed => look_again(app, &order, swept).await,
        State::AwaitingDeposit | State::Paid | State::PartiallyRefunded | State::Refunded => {
            edges::lay_down(app, &order).await.map(|()| true)
        }
    };
    // One order that cannot be worked on must not keep the others from it.
    if !done.unwrap_or_else(|error| {
        tracing::error!(order = %order.id, %error, "work on a due order failed");
        false
    }) {
        swept.postponed = swept.postponed.saturating_add(1);
        edges::back_off(app, &order, now).await?;
    }
    Ok(())
}

async fn expire(app: &App, order: &Order, swept: &mut Swept) -> Result<bool, storage::Error> {
    match edges::expire(app, order, app.edge.clock.now()).await {
        Ok(()) => {
            swept.expired = swept.expired.saturating_add(1);
            hints::refresh(app, order).await;
            Ok(true)
        }
        // Somebody moved it meanwhile, or its lapses: if it is still due, the next run meets it.
        Err(NotMoved::Lost(lost)) => {
            tracing::info!(order = %order.id, ?lost, "an expiry lost a race");
            Ok(true)
        }
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

async fn confirm_again(app: &App, order: &Order, swept: &mut Swept) -> Result<bool, storage::Error> {
    match settle::drive(app, order.clone()).await? {
        Progress::Unknown(_) => Ok(false),
        Progress::Paid(_) | Progress::Refused { .. } | Progress::Voided(_) => {
            swept.settled = swept.settled.saturating_add(1);
            hints::refresh(app, order).await;
            Ok(true)
        }
    }
}

async fn look_again(app: &App, order: &Order, swept: &mut Swept) -> Result<bool, storage::Error> {
    if !settle::last_look(app, order).await? {
        return Ok(false);
    }
    edges::lay_down(app, order).await?;
    swept.laid_down = swept.laid_down.saturating_add(1);
    Ok(true)
}

/// What the index shows of a due order.
#[derive(Debug, serde::Deserialize, Serialize)]
struct DueOrder {
    id: OrderId,
}

/// What the index shows of a due refund.
#[derive(Debug, serde::Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct DueRefund {
    id: RefundId,
    order_id: OrderId,
}

impl storage::Stored for DueRefund {
    const TYPE: &'static str = <Refund as storage::Stored>::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::refund(self.order_id, self.id))
    }
}

impl storage::Stored for DueOrder {
    const TYPE: &'static str = <Order as storage::Stored>::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::order(self.id))
    }
}
