//! What follows when seats move: the `soldOut` hint of a PWT's post, for lists, and the next in
//! line for a freed seat. No order trusts the hint, the sweeper makes up for what is not done
//! here, and nothing fails for it.

use domain::ids::PwtId;
use storage::{
    Error, Write, WriteError,
    items::{Order, Pwt, SeatShard},
    keys,
};

use crate::{App, rules, waitlist};

/// Sets the hints of an order's products to what their seats say now.
pub async fn refresh(app: &App, order: &Order) {
    for line in &order.lines {
        if let Err(error) = refresh_one(app, line.product_id.into()).await {
            tracing::warn!(product = %line.product_id, %error, "a hint was not refreshed");
        }
    }
}

/// The same after an order let its seats go: each is offered to the next in line at once.
pub async fn freed(app: &App, order: &Order) {
    for line in &order.lines {
        let id = line.product_id.into();
        let done = match refresh_one(app, id).await {
            Ok(Freed { awaited: true }) => Box::pin(waitlist::hint(app, id)).await,
            refreshed => refreshed.map(|_| ()),
        };
        if let Err(error) = done {
            tracing::warn!(product = %line.product_id, %error, "a freed seat waits for the sweeper");
        }
    }
}

/// What was found of the free seats of a PWT.
#[derive(Clone, Copy, Debug)]
pub struct Freed {
    /// Whether one of them waits for who is next in line.
    pub awaited: bool,
}

/// Sets the hint of one PWT to what its seats say now: a seat that is kept for those who wait is
/// nothing for a list.
pub async fn refresh_one(app: &App, id: PwtId) -> Result<Freed, Error> {
    let table = &app.edge.table;
    let Some(pwt) = table.get_now::<Pwt>(keys::pwt(id)).await? else { return Ok(Freed { awaited: false }) };
    let shards: Vec<SeatShard> = table.get_all_now(pwt.seat_keys()).await?;
    let freed = Freed { awaited: shards.iter().any(|shard| shard.waiting && shard.stock.available > 0) };
    let sold_out = rules::sold_out(&shards).is_some();
    if sold_out == pwt.sold_out {
        return Ok(freed);
    }
    let write = Write::update(keys::pwt(id)).set("soldOut", sold_out).if_is("version", pwt.version);
    match table.write(write).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(freed),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
