//! A cart as its owner sees it: what was put in, and what has changed since.

use domain::{
    ids::{ProductId, UserId},
    money::{Price, Won},
    seats::Stock,
    text::Title,
    time::Time,
};
use serde::Serialize;
use storage::items::{CartLine, Pwt, SeatShard};
use utoipa::ToSchema;

use crate::{App, products};

/// What happened to a product since it was put into the cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Change {
    /// It costs something else.
    PriceChanged,
    /// No seat is left.
    SoldOut,
    /// It is not sold any more.
    Closed,
}

/// One line of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLineView {
    product_id: ProductId,
    /// Null if the product is gone.
    #[schema(required)]
    title: Option<Title>,
    /// What it costs now; null if it is gone.
    #[schema(required)]
    price: Option<Price>,
    /// What it cost when it was put in.
    price_when_added: Price,
    added_at: Time,
    /// What has changed since.
    changes: Vec<Change>,
}

/// A cart.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "items": [{
        "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 60000,
        "priceWhenAdded": 50000, "addedAt": "2026-11-24T00:00:00.000Z", "changes": ["PRICE_CHANGED"],
    }],
    "total": 60000,
}))]
pub struct CartView {
    /// The lines, oldest first.
    items: Vec<CartLineView>,
    /// What the lines that can be bought cost now.
    total: Won,
}

impl CartView {
    /// Reads a user's cart and what it holds.
    pub async fn read(app: &App, user: UserId) -> Result<Self, storage::Error> {
        let lines = products::cart(app, user).await?;
        let pwts: Vec<Pwt> =
            app.edge.table.get_all(lines.iter().map(|line| storage::keys::pwt(line.product_id.into()))).await?;
        let shards: Vec<SeatShard> = app.edge.table.get_all(pwts.iter().flat_map(Pwt::seat_keys)).await?;
        let now = app.edge.clock.now();
        let line = |line: CartLine| {
            let pwt = pwts.iter().find(|pwt| ProductId::from(pwt.id) == line.product_id);
            let shards =
                shards.iter().filter(|shard| ProductId::from(shard.pwt_id) == line.product_id && !shard.waiting);
            CartLineView::of(&line, pwt, shards.map(|shard| shard.stock).sum(), now)
        };
        let items: Vec<CartLineView> = lines.into_iter().map(line).collect();
        let sold =
            |item: &&CartLineView| !item.changes.contains(&Change::Closed) && !item.changes.contains(&Change::SoldOut);
        let total = items.iter().filter(sold).filter_map(|item| item.price).map(Price::won).sum();
        Ok(Self { items, total })
    }
}

impl CartLineView {
    fn of(line: &CartLine, pwt: Option<&Pwt>, stock: Stock, now: Time) -> Self {
        let mut changes = vec![];
        match pwt {
            Some(pwt) if pwt.on_sale && now < pwt.deadline => {
                if pwt.price != line.price {
                    changes.push(Change::PriceChanged);
                }
                if stock.available == 0 {
                    changes.push(Change::SoldOut);
                }
            }
            _ => changes.push(Change::Closed),
        }
        Self {
            product_id: line.product_id,
            title: pwt.map(|pwt| pwt.title.clone()),
            price: pwt.map(|pwt| pwt.price),
            price_when_added: line.price,
            added_at: line.added_at,
            changes,
        }
    }
}
