//! The order-sweeper: lets go of holds that nobody paid, and looks after the waitlists.
//!
//! It never speaks to Toss: what has to is the payment-reconciler's, so that a Toss that hangs
//! keeps no seat from coming back. Running it twice, or two at once, is fine.

use domain::{ids::OrderId, orders::State};
use serde::Serialize;
use storage::{Query, items::Order, keys};

use crate::{
    App,
    edges::{self, NotMoved},
    hints, reconciler, waitlist,
};

/// How many due orders of one partition are worked on in one run.
const ORDERS_PER_PARTITION: usize = 200;
/// How many are looked through for them: work of others does not hide ours.
const LISTED_PER_PARTITION: usize = 2_000;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Holds that ended unpaid and went back into stock.
    pub expired: u32,
    /// Freed seats that are kept for who was next on a waitlist.
    pub claimed: u32,
    /// Claims that nobody ordered in time.
    pub claims_ended: u32,
    /// Orders and waitlists that are due again later.
    pub postponed: u32,
}

/// Does what is due now.
pub async fn sweep(app: &App) -> Result<Swept, storage::Error> {
    let mut swept = Swept::default();
    for id in due(app, |state| !reconciler::is_its_work(state)).await? {
        work_on(app, id, &mut swept).await?;
    }
    // After the orders: what they let go of finds its next owner at once.
    waitlist::sweep(app, &mut swept).await?;
    Ok(swept)
}

/// The orders that are due now and in a state that `ours` takes, as far as the index knows.
pub async fn due(app: &App, ours: impl Fn(State) -> bool) -> Result<Vec<OrderId>, storage::Error> {
    let until = app.edge.clock.now().to_string();
    let mut found = vec![];
    for shard in 0..keys::DUE_SHARDS {
        // `~` sorts after every id: all that are due up to this very instant.
        let due = Query::index("gsi1", keys::due_orders(shard)).between("0", format!("{until}~"));
        let listed = app.edge.table.all::<DueOrder>(&due, LISTED_PER_PARTITION).await?;
        let ours = listed.into_iter().filter(|order| ours(order.state)).map(|order| order.id);
        found.extend(ours.take(ORDERS_PER_PARTITION));
    }
    Ok(found)
}

async fn work_on(app: &App, id: OrderId, swept: &mut Swept) -> Result<(), storage::Error> {
    // The index may be behind: only the order itself says what is due.
    let order: Option<Order> = app.edge.table.get_now(keys::order(id)).await?;
    let now = app.edge.clock.now();
    let Some(order) = order.filter(|order| order.due.is_some_and(|due| due <= now)) else { return Ok(()) };
    let done = match order.state {
        State::Pending => expire(app, &order, swept).await,
        // It has moved on since the index was read.
        state if reconciler::is_its_work(state) => Ok(true),
        _ => edges::lay_down(app, &order).await.map(|()| true),
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

/// What the index shows of a due order.
#[derive(Debug, serde::Deserialize, Serialize)]
pub struct DueOrder {
    /// Which.
    pub id: OrderId,
    /// Where it stood.
    pub state: State,
}

impl storage::Stored for DueOrder {
    const TYPE: &'static str = <Order as storage::Stored>::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::order(self.id))
    }
}
