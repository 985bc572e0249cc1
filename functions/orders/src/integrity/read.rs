//! Reading for the check.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{OrderId, ProductId, PwtId, UserId};
use storage::{
    Error, Item, Query, Stored, Table,
    items::{Buyer, LedgerEntry, OpenOrder, Order, Payment, Place, Purchase, Pwt, Refund, SeatShard, Waitlist},
    keys, pick, pick_all,
};

use super::compare::{Around, Sale, take};

/// How often something is read anew that moved while it was read.
const TRIES: u32 = 3;
/// More than an order has of everything.
const LARGEST_ORDER: usize = 10_000;

/// Every order, and everything that names one, each as it was when it was met.
pub async fn orders(table: &Table) -> Result<Vec<Around>, Error> {
    let kinds =
        [Order::TYPE, Purchase::TYPE, Buyer::TYPE, OpenOrder::TYPE, Refund::TYPE, Payment::TYPE, LedgerEntry::TYPE];
    let items = table.scan(&kinds).await?;
    let mut orders: BTreeMap<OrderId, Around> = BTreeMap::new();
    let mut of = |id: OrderId, add: &dyn Fn(&mut Around)| add(orders.entry(id).or_insert_with(|| Around::new(id)));
    for order in pick_all::<Order>(&items)? {
        of(order.id, &|around| around.order = Some(order.clone()));
    }
    for found in pick_all::<Purchase>(&items)? {
        of(found.order_id, &|around| around.purchases.push(found.clone()));
    }
    for found in pick_all::<Buyer>(&items)? {
        of(found.order_id, &|around| around.members.push(found.clone()));
    }
    for found in pick_all::<OpenOrder>(&items)? {
        of(found.order_id, &|around| around.guards.push(found.clone()));
    }
    for found in pick_all::<Refund>(&items)? {
        of(found.order_id, &|around| around.refunds.push(found.clone()));
    }
    for found in pick_all::<Payment>(&items)? {
        of(found.order_id, &|around| around.payment = Some(found.clone()));
    }
    for found in pick_all::<LedgerEntry>(&items)? {
        of(found.order_id, &|around| around.entries.push(found.clone()));
    }
    let mut orders: Vec<Around> = orders.into_values().collect();
    orders.iter_mut().for_each(name);
    Ok(orders)
}

fn name(around: &mut Around) {
    let purchases = around.purchases.iter().map(|found| (found.user_id, found.product_id));
    let members = around.members.iter().map(|found| (found.user_id, found.product_id));
    let guards = around.guards.iter().map(|found| (found.user_id, found.product_id));
    around.named = purchases.chain(members).chain(guards).collect();
}

/// An order and what names it, all of one moment; `None` if it did not stand still.
pub async fn around(table: &Table, known: &Around) -> Result<Option<Around>, Error> {
    let own = Query::partition(keys::order(known.id).pk, "");
    for _ in 0..TRIES {
        let before = table.all_mixed(&own, LARGEST_ORDER).await?;
        let order: Option<Order> = pick(&before)?;
        let lines = order.iter().flat_map(|order| order.lines.iter().map(|line| (order.buyer_id, line.product_id)));
        let pairs: BTreeSet<(UserId, ProductId)> = known.named.iter().copied().chain(lines).collect();
        let naming = pairs.iter().flat_map(|(user, product)| {
            [keys::purchase(*user, *product), keys::buyer(*product, *user), keys::open_order(*user, *product)]
        });
        let naming = table.get_mixed_now(naming).await?;
        if table.all_mixed(&own, LARGEST_ORDER).await? != before {
            continue;
        }
        let mut found = Around::new(known.id);
        found.purchases = of_order(&naming, known.id, |purchase: &Purchase| purchase.order_id)?;
        found.members = of_order(&naming, known.id, |member: &Buyer| member.order_id)?;
        found.guards = of_order(&naming, known.id, |guard: &OpenOrder| guard.order_id)?;
        found.refunds = pick_all(&before)?;
        found.payment = pick(&before)?;
        found.entries = pick_all(&before)?;
        found.order = order;
        name(&mut found);
        return Ok(Some(found));
    }
    Ok(None)
}

fn of_order<T: Stored>(items: &[Item], id: OrderId, order: impl Fn(&T) -> OrderId) -> Result<Vec<T>, Error> {
    Ok(pick_all::<T>(items)?.into_iter().filter(|item| order(item) == id).collect())
}

/// Sales that stood still while everything that takes a seat was read, and how many did not.
pub struct Sales {
    pub still: Vec<Sale>,
    pub busy: usize,
}

/// Every sale.
pub async fn sales(table: &Table) -> Result<Sales, Error> {
    let mut still = vec![];
    let mut left: Option<BTreeSet<PwtId>> = None;
    for _ in 0..TRIES {
        let before = stocks(table).await?;
        let items = table.scan(&[Order::TYPE, Place::TYPE]).await?;
        let after = stocks(table).await?;
        let mut taken = BTreeMap::new();
        pick_all::<Order>(&items)?.iter().for_each(|order| take(&mut taken, order));
        let places = pick_all::<Place>(&items)?;
        let mut moved = BTreeSet::new();
        for (id, stock) in before.iter().filter(|(id, _)| left.as_ref().is_none_or(|left| left.contains(id))) {
            if after.get(id) != Some(stock) {
                moved.insert(*id);
                continue;
            }
            let Some(pwt) = pick::<Pwt>(stock)?.filter(|pwt| pwt.seat_shards > 0) else { continue };
            let product = ProductId::from(*id);
            let of_it = taken.iter().filter(|((of, _), _)| *of == product);
            still.push(Sale {
                pwt,
                shards: pick_all(stock)?,
                list: pick(stock)?,
                places: places.iter().filter(|place| place.pwt_id == *id).cloned().collect(),
                taken: of_it.map(|((_, shard), counts)| (*shard, *counts)).collect(),
            });
        }
        left = Some(moved);
        if left.as_ref().is_none_or(BTreeSet::is_empty) {
            break;
        }
    }
    Ok(Sales { still, busy: left.map_or(0, |left| left.len()) })
}

/// The project, the seats and the waitlist of each sale.
async fn stocks(table: &Table) -> Result<BTreeMap<PwtId, Vec<Item>>, Error> {
    let mut stocks: BTreeMap<PwtId, Vec<Item>> = BTreeMap::new();
    for item in table.scan(&[Pwt::TYPE, SeatShard::TYPE, Waitlist::TYPE]).await? {
        let one = std::slice::from_ref(&item);
        let (pwt, shard, list) = (pick::<Pwt>(one)?, pick::<SeatShard>(one)?, pick::<Waitlist>(one)?);
        let id = pwt.map(|pwt| pwt.id).or(shard.map(|shard| shard.pwt_id)).or(list.map(|list| list.pwt_id));
        if let Some(id) = id {
            stocks.entry(id).or_default().push(item);
        }
    }
    Ok(stocks)
}
