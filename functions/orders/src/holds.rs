//! Taking the seats of a new order: all or none, in one transaction.

use std::collections::HashMap;

use domain::{ids::ProductId, money::Won, orders::State, seats::trial_order, time::Time};
use storage::{
    Error, Tx, TxError, Unmet, Write, decode,
    items::{Order, Pwt, SaleFacts, SeatShard, User},
    keys,
};

use crate::{
    App, edges,
    rules::{Obstacle, obstacle_of, sold_out},
};

/// What a failed condition of the transaction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Repeat,
    Order,
    Buyer,
    Purchase(usize),
    Guard(usize),
    Blocked(usize),
    Seat(usize),
}

/// Why no order was made.
#[derive(Debug)]
pub enum NotHeld {
    /// The idempotency key has a record meanwhile.
    Repeat,
    /// The buyer's account is not in use.
    NotActive,
    /// Products that cannot be ordered, and why.
    Obstacles(Vec<(ProductId, Obstacle)>),
    /// The table failed, or too many others wanted the same seats.
    Storage(Error),
}

impl From<Error> for NotHeld {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

/// One line on its way into an order: its product, the sale as it was read, and the shards that
/// are still worth a try, the best last.
struct Line {
    product: ProductId,
    sale: SaleFacts,
    shards: Vec<u32>,
}

/// How many transactions one request may try before it gives up.
const TRIES: usize = 40;

/// Makes `order`, whose lines' shards are still open, together with `record`. Tries the shards
/// of each line until its seat is held, or a consistent read of all of them shows no seat.
pub async fn hold(
    app: &App,
    mut order: Order,
    pwts: &[Pwt],
    record: impl Fn(&Order) -> Write,
    now: Time,
) -> Result<Order, NotHeld> {
    let mut lines = vec![];
    let mut obstacles = vec![];
    for pwt in pwts {
        let Some(sale) = pwt.sale_facts() else {
            return Err(Error::Corrupt(format!("PWT {} has no sale", pwt.id)).into());
        };
        let mut line = Line { product: pwt.id.into(), sale, shards: vec![] };
        obstacles.extend(line.look(app, pwt).await?.map(|obstacle| (line.product, obstacle)));
        lines.push(line);
    }
    for _ in 0..TRIES {
        if !obstacles.is_empty() {
            return Err(NotHeld::Obstacles(obstacles));
        }
        for (line, ordered) in lines.iter().zip(&mut order.lines) {
            ordered.shard = line.shards.last().copied().unwrap_or_default();
        }
        let unmet = match transaction(app, &order, record(&order), now).commit(&app.edge.table).await {
            Ok(()) => return Ok(order),
            Err(TxError::Storage(error)) => return Err(error.into()),
            Err(TxError::Unmet(unmet)) => unmet,
        };
        let seats = sort_out(&lines, unmet, now, &mut obstacles)?;
        for n in seats {
            let (Some(line), Some(pwt)) = (lines.get_mut(n), pwts.get(n)) else { continue };
            line.shards.pop();
            if line.shards.is_empty() {
                obstacles.extend(line.look(app, pwt).await?.map(|obstacle| (line.product, obstacle)));
            }
        }
    }
    Err(Error::Busy { operation: "hold" }.into())
}

impl Line {
    /// Reads all shards as they are now and lists those with a seat.
    async fn look(&mut self, app: &App, pwt: &Pwt) -> Result<Option<Obstacle>, Error> {
        let shards: Vec<SeatShard> = app.edge.table.get_all_now(pwt.seat_keys()).await?;
        let by_number: HashMap<u32, u32> = shards.iter().map(|shard| (shard.shard, shard.stock.available)).collect();
        let available: Vec<u32> =
            (0..pwt.seat_shards).map(|shard| by_number.get(&shard).copied().unwrap_or_default()).collect();
        let order = trial_order(&available, |bound| app.edge.rng.below(bound));
        self.shards = order.into_iter().rev().filter_map(|shard| u32::try_from(shard).ok()).collect();
        Ok(sold_out(&shards))
    }
}

/// Everything that a new order is: itself, its record, and for each line the guards and the seat.
fn transaction(app: &App, order: &Order, record: Write, now: Time) -> Tx<Lost> {
    let paid = order.state == State::Paid;
    let mut tx = Tx::once(app.edge.ids.token())
        .and(record, Lost::Repeat)
        .and(Write::put(order).if_absent(), Lost::Order)
        .and(User::must_be_active(order.buyer_id), Lost::Buyer);
    for (n, line) in order.lines.iter().enumerate() {
        let (buyer, product, pwt) = (order.buyer_id, line.product_id, line.product_id.into());
        let blocked = Write::check(keys::lapses(buyer, product)).if_missing_or_at_most("blockedUntil", now);
        tx = if paid {
            let no_guard = Write::check(keys::open_order(buyer, product)).if_absent();
            tx.and(no_guard, Lost::Guard(n)).and(SeatShard::give(pwt, line.shard, now), Lost::Seat(n))
        } else {
            let guard = Write::put(&edges::guard(order, product)).if_absent();
            let seat = SeatShard::hold(pwt, line.shard, line.price, order.hold_until, now);
            tx.and(Write::check(keys::purchase(buyer, product)).if_absent(), Lost::Purchase(n))
                .and(guard, Lost::Guard(n))
                .and(seat, Lost::Seat(n))
        };
        tx = tx.and(blocked, Lost::Blocked(n));
    }
    if paid {
        for (n, write) in edges::delivery(order, now).enumerate() {
            // The first of each line's three writes is the purchase.
            let write = if n % 3 == 0 { write.if_absent() } else { write };
            tx = tx.and(write, Lost::Purchase(n / 3));
        }
    }
    tx
}

/// Sorts failed conditions into final obstacles and lines that may try another shard.
fn sort_out(
    lines: &[Line],
    unmet: Vec<Unmet<Lost>>,
    now: Time,
    obstacles: &mut Vec<(ProductId, Obstacle)>,
) -> Result<Vec<usize>, NotHeld> {
    let mut seats = vec![];
    for Unmet { refusal, item } in unmet {
        let product = |n: usize| lines.get(n).map(|line| line.product);
        let obstacle = match refusal {
            Lost::Repeat => return Err(NotHeld::Repeat),
            Lost::Order => return Err(Error::Corrupt("a new order's id was taken".to_owned()).into()),
            Lost::Buyer => return Err(NotHeld::NotActive),
            Lost::Purchase(n) => product(n).zip(Some(Obstacle::AlreadyPurchased)),
            Lost::Guard(n) => {
                let open: storage::items::OpenOrder = decode(item.unwrap_or_default())?;
                product(n).zip(Some(Obstacle::Open { order: open.order_id, hold_until: open.hold_until }))
            }
            Lost::Blocked(n) => {
                let lapses: storage::items::Lapses = decode(item.unwrap_or_default())?;
                product(n).zip(lapses.blocked_until.map(|until| Obstacle::Blocked { until }))
            }
            Lost::Seat(n) => {
                let Some((line, item)) = lines.get(n).zip(item) else { continue };
                seats.push(n);
                Some(line.product).zip(obstacle_of(&decode(item)?, line.sale, now))
            }
        };
        obstacles.extend(obstacle);
    }
    Ok(seats)
}

/// The total of the products at the prices that were read.
pub fn total(pwts: &[Pwt]) -> Won {
    domain::orders::total(pwts.iter().map(|pwt| pwt.price.won()))
}
