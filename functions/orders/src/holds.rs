//! Taking the seats of a new order: all or none, in one transaction.

use std::collections::{BTreeSet, HashMap};

use domain::{
    ids::{ProductId, UserId},
    money::Won,
    orders::State,
    seats::trial_order,
    time::Time,
};
use storage::{
    Error, Tx, TxError, Unmet, Write, decode,
    items::{Claim, Order, OrderLine, Place, Pwt, SaleFacts, SeatShard, User, Waiter},
    keys, pick, pick_all,
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
    Claim(usize),
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

/// One line on its way into an order: its product, the sale as it was read, the seat that is kept
/// for the buyer, if one is, and the shards that are still worth a try, the best last.
struct Line {
    product: ProductId,
    sale: SaleFacts,
    claim: Option<(Place, Claim)>,
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
        let mut line = Line { product: pwt.id.into(), sale, claim: None, shards: vec![] };
        obstacles.extend(line.look(app, order.buyer_id, pwt, now).await?.map(|obstacle| (line.product, obstacle)));
        lines.push(line);
    }
    for _ in 0..TRIES {
        if !obstacles.is_empty() {
            return Err(NotHeld::Obstacles(obstacles));
        }
        for (line, ordered) in lines.iter().zip(&mut order.lines) {
            ordered.shard = line.shard();
        }
        let unmet = match transaction(app, &order, &lines, record(&order), now).commit(&app.edge.table).await {
            Ok(()) => return Ok(order),
            Err(TxError::Storage(error)) => return Err(error.into()),
            Err(TxError::Unmet(unmet)) => unmet,
        };
        let seats = sort_out(&lines, unmet, now, &mut obstacles)?;
        for n in seats {
            let (Some(line), Some(pwt)) = (lines.get_mut(n), pwts.get(n)) else { continue };
            if line.claim.take().is_none() {
                line.shards.pop();
            }
            if line.shards.is_empty() {
                obstacles
                    .extend(line.look(app, order.buyer_id, pwt, now).await?.map(|obstacle| (line.product, obstacle)));
            }
        }
    }
    Err(Error::Busy { operation: "hold" }.into())
}

impl Line {
    /// Where its seat is to be taken from.
    fn shard(&self) -> u32 {
        let claimed = self.claim.as_ref().map(|(_, claim)| claim.shard);
        claimed.or_else(|| self.shards.last().copied()).unwrap_or_default()
    }

    /// Reads all shards as they are now and lists those with a seat, unless one is kept for `buyer`.
    async fn look(&mut self, app: &App, buyer: UserId, pwt: &Pwt, now: Time) -> Result<Option<Obstacle>, Error> {
        let wanted = pwt.seat_keys().into_iter().chain([keys::waiter(pwt.id, buyer)]);
        let found = app.edge.table.get_mixed_now(wanted).await?;
        if let Some(waiter) = pick::<Waiter>(&found)? {
            let place: Option<Place> = app.edge.table.get_now(keys::place(pwt.id, waiter.place_id)).await?;
            self.claim =
                place.and_then(|place| Some((place.claim_at(now)?, place))).map(|(claim, place)| (place, claim));
            if self.claim.is_some() {
                return Ok(None);
            }
        }
        let shards: Vec<SeatShard> = pick_all(&found)?;
        let by_number: HashMap<u32, u32> = shards.iter().map(|shard| (shard.shard, shard.stock.available)).collect();
        let available: Vec<u32> =
            (0..pwt.seat_shards).map(|shard| by_number.get(&shard).copied().unwrap_or_default()).collect();
        let order = trial_order(&available, |bound| app.edge.rng.below(bound));
        self.shards = order.into_iter().rev().filter_map(|shard| u32::try_from(shard).ok()).collect();
        // A project that is on sale has seats: it was deleted since it was read.
        Ok(if shards.is_empty() { Some(Obstacle::NotFound) } else { sold_out(&shards) })
    }
}

/// Everything that a new order is: itself, its record, and for each line the guards and the seat.
fn transaction(app: &App, order: &Order, lines: &[Line], record: Write, now: Time) -> Tx<Lost> {
    let paid = order.state == State::Paid;
    let mut tx = Tx::once(app.edge.ids.token())
        .and(record, Lost::Repeat)
        .and(Write::put(order).if_absent(), Lost::Order)
        .and(User::must_be_active(order.buyer_id), Lost::Buyer);
    for (n, (line, Line { claim, .. })) in order.lines.iter().zip(lines).enumerate() {
        let (buyer, product) = (order.buyer_id, line.product_id);
        let blocked = Write::check(keys::lapses(buyer, product)).if_missing_or_at_most("blockedUntil", now);
        tx = if paid {
            let no_guard = Write::check(keys::open_order(buyer, product)).if_absent();
            tx.and(no_guard, Lost::Guard(n))
        } else {
            let guard = Write::put(&edges::guard(order, product)).if_absent();
            tx.and(Write::check(keys::purchase(buyer, product)).if_absent(), Lost::Purchase(n))
                .and(guard, Lost::Guard(n))
        };
        tx = tx.and(seat(order, line, claim.is_some(), now), Lost::Seat(n)).and(blocked, Lost::Blocked(n));
        if let Some((place, claim)) = claim {
            let used = place.use_claim(buyer, *claim, now);
            tx = tx.and_all(used.into_iter().map(|write| (write, Lost::Claim(n))));
        }
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

/// What becomes of the seat of a line: it is held, or given away if the order costs nothing.
fn seat(order: &Order, line: &OrderLine, claimed: bool, now: Time) -> Write {
    let (pwt, until) = (line.product_id.into(), order.hold_until);
    match (order.state, claimed) {
        (State::Paid, false) => SeatShard::give(pwt, line.shard, now),
        (State::Paid, true) => SeatShard::give_claimed(pwt, line.shard, now),
        (_, false) => SeatShard::hold(pwt, line.shard, line.price, until, now),
        (_, true) => SeatShard::hold_claimed(pwt, line.shard, line.price, until, now),
    }
}

/// Sorts failed conditions into final obstacles and lines that may try another shard.
fn sort_out(
    lines: &[Line],
    unmet: Vec<Unmet<Lost>>,
    now: Time,
    obstacles: &mut Vec<(ProductId, Obstacle)>,
) -> Result<BTreeSet<usize>, NotHeld> {
    let mut seats = BTreeSet::new();
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
                let Some(line) = lines.get(n) else { continue };
                seats.insert(n);
                let obstacle = match item {
                    Some(item) => obstacle_of(&decode(item)?, line.sale, now),
                    None => Some(Obstacle::NotFound),
                };
                Some(line.product).zip(obstacle)
            }
            Lost::Claim(n) => {
                seats.insert(n);
                None
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
