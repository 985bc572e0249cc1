//! The comparisons, over what was read.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ids::{OrderId, ProductId, UserId},
    ledger::{self, Account, Occasion},
    orders::{RefundState, Return, State},
    seats::Stock,
};
use storage::items::{
    Buyer, LedgerEntry, OpenOrder, Order, OrderLine, Payment, Place, Purchase, Pwt, Refund, SeatShard, Waitlist,
};

use super::{Finding, Kind};

/// An order, and everything that names it.
#[derive(Clone, Debug)]
pub struct Around {
    pub id: OrderId,
    pub order: Option<Order>,
    pub purchases: Vec<Purchase>,
    pub members: Vec<Buyer>,
    pub guards: Vec<OpenOrder>,
    pub refunds: Vec<Refund>,
    pub payment: Option<Payment>,
    pub entries: Vec<LedgerEntry>,
    /// What names it, or should, was found of these users and products.
    pub named: BTreeSet<(UserId, ProductId)>,
}

impl Around {
    /// Nothing is known of it yet.
    pub fn new(id: OrderId) -> Self {
        Self {
            id,
            order: None,
            purchases: vec![],
            members: vec![],
            guards: vec![],
            refunds: vec![],
            payment: None,
            entries: vec![],
            named: BTreeSet::new(),
        }
    }

    /// Only where to look is known.
    pub fn named(id: OrderId, findings: &BTreeSet<Finding>) -> Self {
        let of_it = findings.iter().filter(|finding| finding.order_id == Some(id));
        let named = of_it.filter_map(|finding| finding.user_id.zip(finding.product_id)).collect();
        Self { named, ..Self::new(id) }
    }

    /// Of which products it is, or says that it is.
    pub fn products(&self) -> BTreeSet<ProductId> {
        let lines = self.order.iter().flat_map(|order| order.lines.iter().map(|line| line.product_id));
        let booked = self.entries.iter().filter_map(|entry| entry.product_id);
        self.named.iter().map(|(_, product)| *product).chain(lines).chain(booked).collect()
    }
}

/// Whether the lines of an order in this state are its buyer's, unless they were given back.
pub fn is_paid(state: State) -> bool {
    matches!(state, State::Paid | State::PartiallyRefunded | State::Refunded)
}

fn count(there: bool) -> i64 {
    i64::from(there)
}

/// What differs about an order.
pub fn of_order(around: &Around) -> BTreeSet<Finding> {
    let mut found = BTreeSet::new();
    let mut tell = |finding: Finding| found.insert(finding.of_order(around.id));
    for entry in around.entries.iter().filter(|entry| ledger::balance(&entry.postings) != 0) {
        tell(Finding::new(Kind::EntryUnbalanced, ledger::balance(&entry.postings), 0));
    }
    let Some(order) = &around.order else {
        for (user, product) in &around.named {
            tell(Finding::new(Kind::OrderMissing, 0, 1).of_line(*user, *product));
        }
        if around.named.is_empty() {
            tell(Finding::new(Kind::OrderMissing, 0, 1));
        }
        return found;
    };
    let total = domain::orders::total(order.lines.iter().map(|line| line.price.won()));
    if total != order.total {
        tell(Finding::new(Kind::Total, order.total.get(), total.get()));
    }
    for (user, product) in pairs(around, order) {
        let line = order.lines.iter().find(|line| line.product_id == product && order.buyer_id == user);
        let bought = line.filter(|line| is_paid(order.state) && line.returned != Some(Return::Refunded));
        let purchase = around.purchases.iter().find(|found| (found.user_id, found.product_id) == (user, product));
        let member = around.members.iter().find(|found| (found.user_id, found.product_id) == (user, product));
        let guard = around.guards.iter().any(|found| (found.user_id, found.product_id) == (user, product));
        let held = line.is_some() && order.state.holds_seats();
        let entitlements = [
            (purchase.map(|purchase| purchase.refunding), Kind::PurchaseMissing, Kind::PurchaseLeft),
            (member.map(|member| member.refunding), Kind::MemberMissing, Kind::MemberLeft),
        ];
        for (recorded, missing, left) in entitlements {
            let usable = recorded == Some(false);
            match bought {
                Some(line) if recorded.is_none() || usable != line.returned.is_none() => {
                    tell(Finding::new(missing, count(usable), count(line.returned.is_none())).of_line(user, product));
                }
                None if recorded.is_some() => {
                    tell(Finding::new(left, 1, 0).of_line(user, product));
                }
                _ => {}
            }
        }
        if guard != held {
            let kind = if held { Kind::GuardMissing } else { Kind::GuardLeft };
            tell(Finding::new(kind, count(guard), count(held)).of_line(user, product));
        }
    }
    let at_work: Vec<_> = around.refunds.iter().filter(|refund| refund.state == RefundState::Requested).collect();
    let named = order.open_refund.is_some_and(|open| at_work.iter().any(|refund| refund.id == open));
    let (recorded, recomputed) =
        (i64::from(order.open_refund.is_some()), i64::try_from(at_work.len()).unwrap_or(i64::MAX));
    if recorded != recomputed || (recorded == 1 && !named) {
        tell(Finding::new(Kind::OpenRefund, recorded, recomputed));
    }
    for finding in money(order, around) {
        tell(finding);
    }
    found
}

/// The buyer and each line, and whoever else names the order.
fn pairs(around: &Around, order: &Order) -> BTreeSet<(UserId, ProductId)> {
    let lines = order.lines.iter().map(|line| (order.buyer_id, line.product_id));
    let purchases = around.purchases.iter().map(|found| (found.user_id, found.product_id));
    let members = around.members.iter().map(|found| (found.user_id, found.product_id));
    let guards = around.guards.iter().map(|found| (found.user_id, found.product_id));
    lines.chain(purchases).chain(members).chain(guards).collect()
}

/// What differs about the money of an order.
pub fn money(order: &Order, around: &Around) -> Vec<Finding> {
    // A second charge of a paid order, which was given back at once, is beside what it cost.
    let counts = |entry: &&LedgerEntry| entry.occasion != Occasion::Void || !is_paid(order.state);
    let on = |account| {
        let postings = around.entries.iter().filter(counts).flat_map(|entry| &entry.postings);
        ledger::balance(postings.filter(|posting| posting.account == account))
    };
    let (charged, given_back) = (on(Account::TossClearing), on(Account::RefundClearing).saturating_neg());
    let mut found = vec![];
    if is_paid(order.state) {
        let paid = around.payment.as_ref().map_or(0, |payment| payment.amount.get());
        if order.total.get() != paid {
            found.push(Finding::new(Kind::Payment, paid, order.total.get()));
        }
        if charged != order.total.get() {
            found.push(Finding::new(Kind::LedgerCharged, charged, order.total.get()));
        }
        let returned = order.total.get().saturating_sub(order.balance().get());
        if given_back != returned {
            found.push(Finding::new(Kind::LedgerRefunded, given_back, returned));
        }
    } else if charged != given_back {
        // What was charged for an order that was never paid went back.
        found.push(Finding::new(Kind::LedgerCharged, charged, given_back));
    }
    found
}

/// A sale: its project, its seats, and everything that takes one.
#[derive(Clone, Debug)]
pub struct Sale {
    pub pwt: Pwt,
    pub shards: Vec<SeatShard>,
    pub list: Option<Waitlist>,
    pub places: Vec<Place>,
    /// By shard, what unpaid orders hold and what was paid for.
    pub taken: BTreeMap<u32, (u32, u32)>,
}

impl Sale {
    /// What its orders and claims say of a shard; what is left of `of` is available, or a negative number.
    pub fn recomputed(&self, shard: u32, of: u32) -> (Stock, i64) {
        let (held, sold) = self.taken.get(&shard).copied().unwrap_or_default();
        let claims = self.places.iter().filter(|place| place.claim.is_some_and(|claim| claim.shard == shard));
        let claimed = u32::try_from(claims.count()).unwrap_or(u32::MAX);
        let left =
            [held, sold, claimed].into_iter().fold(i64::from(of), |left, taken| left.saturating_sub(taken.into()));
        (Stock { available: u32::try_from(left).unwrap_or_default(), held, sold, claimed }, left)
    }
}

/// Adds the seats of an order.
pub fn take(taken: &mut BTreeMap<(ProductId, u32), (u32, u32)>, order: &Order) {
    for OrderLine { product_id, shard, returned, .. } in &order.lines {
        let (held, sold) = taken.entry((*product_id, *shard)).or_default();
        if order.state.holds_seats() {
            *held = held.saturating_add(1);
        } else if is_paid(order.state) && *returned != Some(Return::Refunded) {
            *sold = sold.saturating_add(1);
        }
    }
}

/// What differs about a sale.
pub fn of_sale(sale: &Sale) -> BTreeSet<Finding> {
    let product = sale.pwt.id.into();
    let mut found = BTreeSet::new();
    let seats: u32 = sale.shards.iter().map(|shard| shard.stock.total()).sum();
    if seats != sale.pwt.max_participants {
        let finding = Finding::new(Kind::Seats, seats.into(), sale.pwt.max_participants.into());
        found.insert(finding.of_sale(product, None));
    }
    for shard in &sale.shards {
        let (stock, _) = sale.recomputed(shard.shard, shard.stock.total());
        let counts = [
            (Kind::Held, shard.stock.held, stock.held),
            (Kind::Sold, shard.stock.sold, stock.sold),
            (Kind::Claimed, shard.stock.claimed, stock.claimed),
        ];
        for (kind, recorded, recomputed) in
            counts.into_iter().filter(|(_, recorded, recomputed)| recorded != recomputed)
        {
            found.insert(Finding::new(kind, recorded.into(), recomputed.into()).of_sale(product, Some(shard.shard)));
        }
        if shard.waiting != sale.list.is_some() {
            let finding = Finding::new(Kind::Waiting, count(shard.waiting), count(sale.list.is_some()));
            found.insert(finding.of_sale(product, Some(shard.shard)));
        }
    }
    let waiting = sale.places.iter().filter(|place| place.claim.is_none()).count();
    let listed = sale.list.as_ref().map_or(0, |list| list.count);
    if usize::try_from(listed).ok() != Some(waiting) {
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        found.insert(Finding::new(Kind::Waiters, listed.into(), waiting).of_sale(product, None));
    }
    found
}
