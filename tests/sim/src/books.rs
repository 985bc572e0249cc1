//! What must hold when everything has come to rest: orders, seats, purchases and the ledger against Toss's books.

use std::collections::{BTreeMap, BTreeSet};

use devloop_local::toss_sandbox::ChargeSeen;

use domain::{
    ledger::{self, Account, Occasion},
    orders::{RefundState, Return, State},
};
use serde_json::{Value, json};
use storage::{
    Stored,
    items::{Buyer, LedgerEntry, OpenOrder, Order, Place, Purchase, Refund, SeatShard, Waiter, Waitlist},
};

use crate::world::{TABLE, World};

/// Everything in the table, by kind.
#[derive(Debug)]
pub struct Books {
    orders: Vec<Order>,
    refunds: Vec<Refund>,
    purchases: Vec<Purchase>,
    buyers: Vec<Buyer>,
    guards: Vec<OpenOrder>,
    seats: Vec<SeatShard>,
    entries: Vec<LedgerEntry>,
    lists: Vec<Waitlist>,
    places: Vec<Place>,
    waiters: Vec<Waiter>,
    /// What nobody can read: a count below zero, say.
    unreadable: Vec<String>,
}

impl Books {
    /// What the world's table holds now.
    pub fn of(world: &World) -> Self {
        let (_, answer) = world.dynamo().answer("Scan", &json!({ "TableName": TABLE }));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("LastEvaluatedKey").is_none(), "more than one page");
        let items = answer["Items"].as_array().cloned().unwrap_or_default();
        let mut unreadable = vec![];
        Self {
            orders: of(&items, &mut unreadable),
            refunds: of(&items, &mut unreadable),
            purchases: of(&items, &mut unreadable),
            buyers: of(&items, &mut unreadable),
            guards: of(&items, &mut unreadable),
            seats: of(&items, &mut unreadable),
            entries: of(&items, &mut unreadable),
            lists: of(&items, &mut unreadable),
            places: of(&items, &mut unreadable),
            waiters: of(&items, &mut unreadable),
            unreadable,
        }
    }

    /// How many people may still have a seat kept for them.
    pub fn claims_to_come(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Money that Toss took for no order. What came into a virtual account is a case of its own: Toss tells of it when it
    /// likes, and gives it back to nobody but the shop itself.
    pub fn lost_won(&self, world: &World) -> Vec<String> {
        let by_card = |charge: &&ChargeSeen| charge.method != "가상계좌" && charge.captures > 0;
        let charges = world.sandbox().charges().unwrap();
        charges
            .iter()
            .filter(by_card)
            .filter(|charge| charge.balance_amount > self.owed(charge))
            .map(|charge| format!("15 minutes after the last fault, {} is for no order", charge.payment_key))
            .collect()
    }

    /// The order that a charge paid for.
    fn paid_by(&self, charge: &ChargeSeen) -> Option<&Order> {
        self.orders.iter().find(|order| order.payment_key.as_ref() == Some(&charge.payment_key) && is_paid(order.state))
    }

    /// What it is worth.
    fn owed(&self, charge: &ChargeSeen) -> i64 {
        self.paid_by(charge).map_or(0, |order| order.balance().get())
    }

    /// Compares them with each other and with Toss's, and answers what differs.
    pub fn differences(&self, world: &World, expected: Expected) -> Vec<String> {
        let charges = world.sandbox().charges().unwrap();
        [
            at_rest(self),
            seats(self, expected),
            waitlists(self),
            entitlements(self),
            money(self, &charges),
            in_the_ledger(self, &charges),
            by_line(self),
            self.unreadable.clone(),
        ]
        .concat()
    }
}

fn of<T: Stored>(items: &[Value], unreadable: &mut Vec<String>) -> Vec<T> {
    let kind = |item: &&Value| item["type"]["S"] == T::TYPE;
    let mut read = vec![];
    for item in items.iter().filter(kind) {
        match serde_json::from_value(plain(item)) {
            Ok(item) => read.push(item),
            Err(error) => unreadable.push(format!("{} {}: {error}", T::TYPE, item["pk"]["S"])),
        }
    }
    read
}

/// An item without DynamoDB's types.
fn plain(item: &Value) -> Value {
    let members = item.as_object().unwrap();
    members.iter().map(|(name, value)| (name.clone(), untyped(value))).collect::<serde_json::Map<_, _>>().into()
}

fn untyped(value: &Value) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => value.as_array().unwrap().iter().map(untyped).collect(),
        "M" => plain(value),
        _ => value.clone(),
    }
}

/// What a run expected of its sale.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// How many buyers kept trying until they had a seat or were told that none is left.
    pub persistent: i64,
}

fn at_rest(books: &Books) -> Vec<String> {
    let mut wrong = vec![];
    for order in &books.orders {
        if order.state.holds_seats() || order.due.is_some() || order.open_refund.is_some() {
            wrong.push(format!(
                "order {} is not at rest: {:?}, due {:?}, void {:?}, {:?}",
                order.id, order.state, order.due, order.void, order.open_refund
            ));
        }
    }
    wrong.extend(
        books
            .refunds
            .iter()
            .filter(|refund| refund.state == RefundState::Requested)
            .map(|refund| format!("refund {} is not at rest", refund.id)),
    );
    wrong.extend(
        books
            .refunds
            .iter()
            .filter(|refund| refund.account_cipher.is_some())
            .map(|refund| format!("refund {} still has its account", refund.id)),
    );
    wrong.extend(books.guards.iter().map(|guard| format!("a guard of order {} was left", guard.order_id)));
    wrong
}

fn seats(books: &Books, expected: Expected) -> Vec<String> {
    let mut wrong = vec![];
    let mut sold: BTreeMap<(String, u32), u32> = BTreeMap::new();
    for order in books.orders.iter().filter(|order| is_paid(order.state)) {
        for line in order.lines.iter().filter(|line| line.returned != Some(Return::Refunded)) {
            *sold.entry((line.product_id.to_string(), line.shard)).or_default() += 1;
        }
    }
    for shard in &books.seats {
        let of_orders = sold.get(&(shard.pwt_id.to_string(), shard.shard)).copied().unwrap_or_default();
        if shard.stock.sold != of_orders || shard.stock.held != 0 || shard.stock.claimed != 0 {
            wrong.push(format!(
                "shard {}#{} says {:?}, orders say {of_orders} sold",
                shard.pwt_id, shard.shard, shard.stock
            ));
        }
    }
    let all: i64 = books
        .seats
        .iter()
        .filter(|shard| shard.sale.price.won().get() == crate::run::PRICE)
        .map(|shard| i64::from(shard.stock.available))
        .sum();
    if expected.persistent > 0 && all > 0 {
        let kept: BTreeSet<_> = books.purchases.iter().map(|purchase| purchase.user_id).collect();
        let kept = i64::try_from(kept.len()).unwrap_or(i64::MAX);
        if kept < expected.persistent {
            wrong.push(format!(
                "{all} seats are left, and only {kept} of {} who kept trying have one",
                expected.persistent
            ));
        }
    }
    wrong
}

/// Whoever waits stands on a list that says so, and no seat is free while somebody waits for one.
fn waitlists(books: &Books) -> Vec<String> {
    let mut wrong = vec![];
    let waiting = |pwt| books.places.iter().filter(move |place| place.pwt_id == pwt && place.claim.is_none()).count();
    for list in books.lists.iter().filter(|list| list.count == 0) {
        wrong.push(format!("the waitlist of {} has not ended", list.pwt_id));
    }
    for shard in &books.seats {
        let list = books.lists.iter().find(|list| list.pwt_id == shard.pwt_id);
        let listed = list.map_or(0, |list| list.count);
        if shard.waiting != list.is_some() || waiting(shard.pwt_id) != usize::try_from(listed).unwrap_or(usize::MAX) {
            wrong.push(format!(
                "shard {}#{} says waiting: {}, the list {listed}, and {} places wait",
                shard.pwt_id,
                shard.shard,
                shard.waiting,
                waiting(shard.pwt_id)
            ));
        }
        if shard.waiting && shard.stock.available > 0 {
            wrong.push(format!("a seat of {}#{} is free, and somebody waits for it", shard.pwt_id, shard.shard));
        }
    }
    let places: BTreeSet<_> = books.places.iter().map(|place| (place.user_id, place.pwt_id, place.id)).collect();
    let guards: BTreeSet<_> = books.waiters.iter().map(|guard| (guard.user_id, guard.pwt_id, guard.place_id)).collect();
    wrong
        .extend(places.symmetric_difference(&guards).map(|which| format!("places and their guards differ: {which:?}")));
    let claimed = books.places.iter().filter(|place| place.claim.is_some());
    wrong.extend(claimed.map(|place| format!("place {} has a claim that never ends", place.id)));
    wrong
}

fn is_paid(state: State) -> bool {
    matches!(state, State::Paid | State::PartiallyRefunded | State::Refunded)
}

fn entitlements(books: &Books) -> Vec<String> {
    let kept: BTreeSet<String> = books
        .orders
        .iter()
        .filter(|order| is_paid(order.state))
        .flat_map(|order| order.kept().map(|line| format!("{} {} {}", order.buyer_id, line.product_id, order.id)))
        .collect();
    let purchases: BTreeSet<String> = books
        .purchases
        .iter()
        .map(|purchase| format!("{} {} {}", purchase.user_id, purchase.product_id, purchase.order_id))
        .collect();
    let buyers: BTreeSet<String> =
        books.buyers.iter().map(|buyer| format!("{} {} {}", buyer.user_id, buyer.product_id, buyer.order_id)).collect();
    let mut wrong: Vec<String> = kept
        .symmetric_difference(&purchases)
        .map(|which| format!("paid lines and purchases differ: {which}"))
        .collect();
    wrong.extend(kept.symmetric_difference(&buyers).map(|which| format!("paid lines and members differ: {which}")));
    let users: Vec<_> = books.purchases.iter().map(|purchase| (purchase.user_id, purchase.product_id)).collect();
    if users.iter().collect::<BTreeSet<_>>().len() != users.len() {
        wrong.push("somebody bought a product twice".to_owned());
    }
    wrong
}

fn money(books: &Books, charges: &[ChargeSeen]) -> Vec<String> {
    let mut wrong = vec![];
    for charge in charges.iter().filter(|charge| charge.captures > 0) {
        if charge.captures > 1 {
            wrong.push(format!("{} was captured {} times", charge.payment_key, charge.captures));
        }
        let owed = books.owed(charge);
        if charge.balance_amount != owed {
            wrong.push(format!(
                "Toss holds {} of {}, its order is worth {owed}",
                charge.balance_amount, charge.payment_key
            ));
        }
    }
    for order in books.orders.iter().filter(|order| is_paid(order.state) && order.total.get() > 0) {
        let paid = charges.iter().any(|charge| {
            Some(&charge.payment_key) == order.payment_key.as_ref()
                && charge.captures == 1
                && charge.total_amount == order.total.get()
        });
        if !paid {
            wrong.push(format!("order {} was delivered without a charge of its total", order.id));
        }
        let given_back: i64 = books
            .refunds
            .iter()
            .filter(|refund| refund.order_id == order.id && refund.state == RefundState::Done)
            .map(|refund| refund.amount.get())
            .sum();
        if given_back + order.balance().get() != order.total.get() {
            wrong.push(format!(
                "order {} of {} gave back {given_back} and keeps {}",
                order.id,
                order.total,
                order.balance()
            ));
        }
    }
    wrong
}

fn in_the_ledger(books: &Books, charges: &[ChargeSeen]) -> Vec<String> {
    let mut wrong: Vec<String> = books
        .entries
        .iter()
        .filter(|entry| ledger::balance(&entry.postings) != 0)
        .map(|entry| format!("entry {} of {} does not sum to zero", entry.id, entry.order_id))
        .collect();
    let on = |account: Account| -> i64 {
        books
            .entries
            .iter()
            .flat_map(|entry| &entry.postings)
            .filter(|posting| posting.account == account)
            .map(|posting| posting.amount)
            .sum()
    };
    for order in &books.orders {
        let of = |charge: &&ChargeSeen| charge.captures > 0 && charge.order_id == order.id.to_string();
        let of_toss = charges.iter().filter(of);
        let (taken, held) =
            of_toss.fold((0, 0), |(taken, held), charge| (taken + charge.total_amount, held + charge.balance_amount));
        let entries = books.entries.iter().filter(|entry| entry.order_id == order.id);
        let on = |account| {
            let postings = entries.clone().flat_map(|entry| &entry.postings);
            ledger::balance(postings.filter(|posting| posting.account == account))
        };
        let (clearing, refunds) = (on(Account::TossClearing), on(Account::RefundClearing));
        if (clearing, clearing + refunds) != (taken, held) {
            wrong.push(format!(
                "Toss took {taken} of order {} and holds {held}; the ledger says {clearing} and {}",
                order.id,
                clearing + refunds
            ));
        }
    }
    let taken: i64 = charges.iter().filter(|charge| charge.captures > 0).map(|charge| charge.total_amount).sum();
    let held: i64 = charges.iter().filter(|charge| charge.captures > 0).map(|charge| charge.balance_amount).sum();
    let (clearing, refunds) = (on(Account::TossClearing), on(Account::RefundClearing));
    if clearing != taken || clearing + refunds != held {
        wrong
            .push(format!("Toss took {taken} and holds {held}; the ledger says {clearing} and {}", clearing + refunds));
    }
    wrong
}

/// Each line was sold once, for its price, and given back at most once, for as much.
fn by_line(books: &Books) -> Vec<String> {
    let mut wrong = vec![];
    for order in books.orders.iter().filter(|order| is_paid(order.state)) {
        for line in &order.lines {
            let on = |occasion: Occasion, account: Account| -> Vec<i64> {
                let of_line = books.entries.iter().filter(|entry| {
                    (entry.order_id, entry.product_id, entry.occasion) == (order.id, Some(line.product_id), occasion)
                });
                let amount = |entry: &LedgerEntry| {
                    ledger::balance(entry.postings.iter().filter(|posting| posting.account == account))
                };
                of_line.map(amount).collect()
            };
            let price = line.price.won().get();
            let back = if line.returned == Some(Return::Refunded) { vec![-price] } else { vec![] };
            let (sold, given_back) =
                (on(Occasion::Sale, Account::TossClearing), on(Occasion::Refund, Account::RefundClearing));
            if sold != [price] || given_back != back {
                wrong.push(format!(
                    "{} of order {} for {price} is entered as sold for {sold:?} and given back for {given_back:?}",
                    line.product_id, order.id
                ));
            }
        }
    }
    wrong
}
