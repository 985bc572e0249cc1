//! What may be put into a cart and ordered. Pure: values in, a decision out.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use domain::{
    accounts::Approval,
    ids::{OrderId, ProductId, UserId},
    money::Won,
    time::Time,
    validation::{self, Invalid},
};
use storage::{
    items::{Deposit, Lapses, OpenOrder, Order, Purchase, Pwt, Refund, SaleFacts, SeatShard},
    keys,
};

use crate::edges::expiry;

/// Everything that is known of one product for one buyer.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The product, if there is such a thing.
    pub pwt: Option<Pwt>,
    /// The buyer's purchase of it.
    pub purchase: Option<Purchase>,
    /// The buyer's open order of it.
    pub open: Option<OpenOrder>,
    /// How often the buyer let it expire.
    pub lapses: Option<Lapses>,
}

/// Why one product cannot be ordered. The order of the variants is that of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// There is no such product, or it is not public.
    NotFound,
    /// The buyer leads it.
    OwnProduct,
    /// The buyer has it.
    AlreadyPurchased,
    /// Another order of the buyer holds it.
    Open {
        /// Which.
        order: OrderId,
        /// Until when.
        hold_until: Time,
    },
    /// The buyer let it expire too often.
    Blocked {
        /// Until when.
        until: Time,
    },
    /// It is not sold now.
    NotForSale,
    /// Its price is not the one that was read.
    PriceChanged,
    /// Every seat is held or sold.
    SoldOut {
        /// How many are only held.
        held: u32,
        /// When the first of those holds has certainly ended.
        hold_until: Option<Time>,
    },
}

impl Facts {
    /// The product, if the public may see it.
    pub fn public(&self) -> Option<&Pwt> {
        self.pwt.as_ref().filter(|pwt| pwt.approval == Approval::Approved)
    }

    /// What is in the way of `buyer` ordering it at `now`, before any seat is looked at.
    /// [`Obstacle::Open`] may be overdue: see [`Facts::overdue`].
    pub fn obstacle(&self, buyer: UserId, now: Time) -> Option<Obstacle> {
        let Some(pwt) = self.public() else { return Some(Obstacle::NotFound) };
        if pwt.tutor_id == buyer {
            return Some(Obstacle::OwnProduct);
        }
        if self.purchase.is_some() {
            return Some(Obstacle::AlreadyPurchased);
        }
        if let Some(open) = &self.open {
            return Some(Obstacle::Open { order: open.order_id, hold_until: open.hold_until });
        }
        let blocked = self.lapses.as_ref().and_then(|lapses| lapses.blocked_until);
        if let Some(until) = blocked.filter(|until| *until > now) {
            return Some(Obstacle::Blocked { until });
        }
        (!on_sale(pwt, now)).then_some(Obstacle::NotForSale)
    }

    /// The buyer's open order, if its hold has ended long enough to be let go.
    pub fn overdue(&self, now: Time) -> Option<OrderId> {
        self.open.as_ref().filter(|open| expiry(open.hold_until) <= now).map(|open| open.order_id)
    }
}

fn on_sale(pwt: &Pwt, now: Time) -> bool {
    pwt.on_sale && pwt.sales_from.is_some_and(|from| from <= now) && now < pwt.deadline
}

/// What a shard that refused a hold says of the product. `None`: only this shard's seats are gone.
pub fn obstacle_of(shard: &SeatShard, expected: SaleFacts, now: Time) -> Option<Obstacle> {
    let SaleFacts { on_sale, sales_from, deadline, price } = shard.sale;
    if !on_sale || sales_from > now || deadline <= now {
        Some(Obstacle::NotForSale)
    } else if price != expected.price {
        Some(Obstacle::PriceChanged)
    } else {
        None
    }
}

/// What all shards of a product together say: only if none has a seat it is sold out.
pub fn sold_out(shards: &[SeatShard]) -> Option<Obstacle> {
    let stock: domain::seats::Stock = shards.iter().map(|shard| shard.stock).sum();
    let open = shards.iter().any(|shard| shard.stock.available > 0 && !shard.waiting);
    let holds = shards.iter().filter(|shard| shard.stock.held > 0).filter_map(|shard| shard.hold_until);
    (!open).then(|| Obstacle::SoldOut { held: stock.held, hold_until: holds.min() })
}

/// The first product that is named twice.
pub fn duplicate(products: &[ProductId]) -> Option<ProductId> {
    let repeated = |(n, product): (usize, &ProductId)| products.iter().take(n).any(|earlier| earlier == product);
    products.iter().enumerate().find(|(n, product)| repeated((*n, product))).map(|(_, product)| *product)
}

/// An amount that somebody says is to be paid: a whole number from 0, whether or not anything
/// could cost as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(i64);

impl Amount {
    /// Whether it is the total.
    pub fn is(self, total: domain::money::Won) -> bool {
        self.0 == total.get()
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Amount {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, |amount| {
            if amount >= 0 { Ok(Self(amount)) } else { Err(Invalid::range(0, i64::MAX)) }
        })
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        validation::whole_number_schema(0, i64::MAX).into()
    }
}

impl utoipa::ToSchema for Amount {
    fn name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
}

/// Why lines of a paid order are not given back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRefund {
    /// They are no lines of the order, or one is named twice.
    #[error("these are no lines of the order")]
    NotLines,
    /// Their project does not take buyers back any more.
    #[error("the time to give these back is over: {0:?}")]
    WindowOver(Vec<ProductId>),
    /// They were given back before.
    #[error("these were given back: {0:?}")]
    Already(Vec<ProductId>),
    /// The way of paying gives back everything or nothing.
    #[error("the whole order only")]
    WholeOrderOnly,
}

/// The lines to give back: those that are asked for, or all that are left.
pub fn lines_to_refund(order: &Order, asked: Option<Vec<ProductId>>) -> Result<Vec<ProductId>, NoRefund> {
    let left: Vec<ProductId> = order.kept().map(|line| line.product_id).collect();
    let all = || order.lines.iter().map(|line| line.product_id).collect();
    let Some(asked) = asked else {
        return if left.is_empty() { Err(NoRefund::Already(all())) } else { Ok(left) };
    };
    let known: Vec<ProductId> = all();
    if asked.is_empty() || duplicate(&asked).is_some() || !asked.iter().all(|product| known.contains(product)) {
        return Err(NoRefund::NotLines);
    }
    let gone: Vec<ProductId> = asked.iter().copied().filter(|product| !left.contains(product)).collect();
    if gone.is_empty() { Ok(asked) } else { Err(NoRefund::Already(gone)) }
}

/// Buyers may give a project's seat back before its deadline.
pub fn takes_back(pwt: &Pwt, now: Time) -> bool {
    now < pwt.deadline
}

/// Whether all these are taken back from buyers.
pub fn within_window(products: &[ProductId], pwts: &[Pwt], now: Time) -> Result<(), NoRefund> {
    let open = |product: &ProductId| pwts.iter().any(|pwt| ProductId::from(pwt.id) == *product && takes_back(pwt, now));
    let over: Vec<ProductId> = products.iter().copied().filter(|product| !open(product)).collect();
    if over.is_empty() { Ok(()) } else { Err(NoRefund::WindowOver(over)) }
}

/// Why an admin is not asked for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    /// One was asked already.
    #[error("an admin was asked already")]
    Asked,
    /// A refund is at work.
    #[error("a refund of the order is at work")]
    RefundInProgress,
    /// Everything was given back.
    #[error("nothing is left to give back")]
    NothingLeft,
    /// The buyer needs nobody for it.
    #[error("the buyer may give it back without an admin")]
    WindowOpen,
}

/// Buyers ask an admin for what they may not take back themselves.
pub fn may_ask(order: &Order, pwts: &[Pwt], now: Time) -> Result<(), NoRequest> {
    let left: Vec<ProductId> = order.kept().map(|line| line.product_id).collect();
    if order.refund_request.is_some() {
        Err(NoRequest::Asked)
    } else if order.open_refund.is_some() {
        Err(NoRequest::RefundInProgress)
    } else if left.is_empty() {
        Err(NoRequest::NothingLeft)
    } else if within_window(&left, pwts, now).is_ok() {
        Err(NoRequest::WindowOpen)
    } else {
        Ok(())
    }
}

/// Whether the way of paying can give back as little as `refund` asks for.
pub fn takes_parts(order: &Order, refund: &Refund) -> Result<(), NoRefund> {
    let is_part = refund.amount > Won::ZERO && refund.amount < refund.refundable;
    let takes_parts = order.payment.as_ref().is_some_and(|payment| payment.partial_refunds);
    if is_part && !takes_parts { Err(NoRefund::WholeOrderOnly) } else { Ok(()) }
}

/// The account that an order may wait for a deposit in: `None` where deposits are not waited for,
/// or not for as long as this one would take.
pub fn deposit(payment: &toss::Payment, hours: Option<u32>, now: Time) -> Option<Deposit> {
    /// Toss counts in seconds, from a moment of its own.
    const SLACK_SECONDS: i64 = 60;
    let longest = i64::from(hours?).saturating_mul(60 * 60).saturating_add(SLACK_SECONDS);
    let account = payment.virtual_account.clone().filter(|account| account.due_date <= now.plus_seconds(longest))?;
    Some(Deposit {
        bank_code: account.bank_code,
        account_number: account.account_number,
        holder: account.holder,
        due_date: account.due_date,
        proof: payment.secret.as_ref().map(|secret| keys::hashed(secret.reveal())),
    })
}

#[cfg(test)]
mod tests;
