//! What may be put into a cart and ordered. Pure: values in, a decision out.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use domain::{
    accounts::Approval,
    ids::{OrderId, ProductId, UserId},
    time::Time,
    validation::{self, Invalid},
};
use storage::items::{Lapses, OpenOrder, Purchase, Pwt, SaleFacts, SeatShard};

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

#[cfg(test)]
mod tests {
    use domain::{money::Price, seats::Stock};
    use proptest::prelude::*;
    use ulid::Ulid;

    use super::*;

    fn now() -> Time {
        "2026-11-24T00:00:00Z".parse().unwrap()
    }

    fn shard(available: u32, held: u32) -> SeatShard {
        SeatShard {
            pwt_id: Ulid::from_parts(1, 1).into(),
            shard: 0,
            stock: Stock { available, held, ..Stock::default() },
            sale: sale(),
            waiting: false,
            hold_until: Some(now().plus_seconds(600)),
        }
    }

    fn sale() -> SaleFacts {
        SaleFacts {
            on_sale: true,
            sales_from: now(),
            deadline: now().plus_seconds(60),
            price: Price::new(50_000).unwrap(),
        }
    }

    #[test]
    fn a_sale_opens_at_its_start_and_is_over_at_its_deadline() {
        let at = |seconds: i64| obstacle_of(&shard(0, 0), sale(), now().plus_seconds(seconds));
        assert_eq!(at(-1), Some(Obstacle::NotForSale));
        assert_eq!(at(0), None);
        assert_eq!(at(59), None);
        assert_eq!(at(60), Some(Obstacle::NotForSale));
    }

    #[test]
    fn another_price_is_not_taken_for_sold_out() {
        let expected = SaleFacts { price: Price::new(40_000).unwrap(), ..sale() };
        assert_eq!(obstacle_of(&shard(5, 0), expected, now()), Some(Obstacle::PriceChanged));
    }

    #[test]
    fn sold_out_means_no_shard_has_a_seat() {
        assert_eq!(sold_out(&[shard(0, 2), shard(1, 0)]), None);
        let held_until = Some(now().plus_seconds(600));
        assert_eq!(sold_out(&[shard(0, 2), shard(0, 1)]), Some(Obstacle::SoldOut { held: 3, hold_until: held_until }));
        assert_eq!(sold_out(&[shard(0, 0)]), Some(Obstacle::SoldOut { held: 0, hold_until: None }));
    }

    proptest! {
        #[test]
        fn a_duplicate_is_found_wherever_it_stands(ids in prop::collection::vec(0_u128..6, 0..6)) {
            let products: Vec<ProductId> = ids.iter().map(|n| Ulid::from_parts(1, *n).into()).collect();
            let distinct: std::collections::BTreeSet<_> = products.iter().collect();
            prop_assert_eq!(duplicate(&products).is_some(), distinct.len() < products.len());
        }
    }
}
