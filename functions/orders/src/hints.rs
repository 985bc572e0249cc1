//! The `soldOut` hint of a PWT's post, for lists. No order trusts it, and nothing fails for it.

use storage::{
    Write, WriteError,
    items::{Order, Pwt, SeatShard},
    keys,
};

use crate::App;

/// Sets the hints of an order's products to what their seats say now.
pub async fn refresh(app: &App, order: &Order) {
    for line in &order.lines {
        if let Err(error) = refresh_one(app, line.product_id.into()).await {
            tracing::warn!(product = %line.product_id, %error, "a hint was not refreshed");
        }
    }
}

/// Sets the hint of one PWT.
pub async fn refresh_one(app: &App, id: domain::ids::PwtId) -> Result<(), storage::Error> {
    let table = &app.edge.table;
    let Some(pwt) = table.get_now::<Pwt>(keys::pwt(id)).await? else { return Ok(()) };
    let shards: Vec<SeatShard> = table.get_all_now(pwt.seat_keys()).await?;
    let sold_out = shards.iter().all(|shard| shard.stock.available == 0);
    if sold_out == pwt.sold_out {
        return Ok(());
    }
    let write = Write::update(keys::pwt(id)).set("soldOut", sold_out).if_is("version", pwt.version);
    match table.write(write).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
