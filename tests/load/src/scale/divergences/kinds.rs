//! The kinds of divergences, and how each is made: in the table by the SDK, at Toss's sandbox by its own API.

use clock::{Clock, Ids, Rng};
use domain::{
    ids::{OrderId, ProductId},
    ledger::Occasion,
    money::Won,
    orders::State,
};
use serde_json::{Value, json};
use storage::{
    Query, Write,
    items::{Buyer, LedgerEntry, OpenOrder, Order, Payment, Purchase},
    keys,
};

use crate::scale::shop::{PRICE, Shop};

/// What something is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// Nothing that exists.
    Nothing,
    Paid,
    /// It waits for its payment.
    Unpaid,
    Canceled,
    Refunded,
    /// Its confirmation was begun; what Toss did is [`Kind::makes`].
    Confirming,
    Shard,
}

/// How it must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the integrity check, as this kind of finding.
    Check(&'static str),
    /// Somebody is charged for nothing: the money must go back, and operators hear of it.
    Stray,
    /// The order must come to stand so.
    Standing(State),
    /// Operators must be told.
    Alarm,
}

/// One kind of divergence.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub on: On,
    pub by: By,
    /// Whether it must be repaired, and not only be told of.
    pub repaired: bool,
    pub makes: Makes,
}

/// How it is made.
#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// A charge that is none of the order's.
    Charge,
    /// A cancel at Toss's console, of so many won; of everything without.
    Cancel(Option<i64>),
    /// A confirmation that Toss answers with 500, after it did what was asked, or without.
    Confirm { charged: bool },
    /// An item that is deleted.
    Deleted(Item),
    /// An item that should not be there.
    Left(Item),
    /// An item that is changed.
    Changed(Item),
    /// Seats that move from one count to another; from nowhere without.
    Seat { from: Option<&'static str>, to: &'static str },
}

/// An item of an order.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    Order,
    Purchase,
    Member,
    Guard,
    Payment,
    Sale,
}

const fn kind(name: &'static str, on: On, by: By, repaired: bool, makes: Makes) -> Kind {
    Kind { name, on, by, repaired, makes }
}

pub const KINDS: [Kind; 27] = [
    kind("charge for an order that does not exist", On::Nothing, By::Stray, true, Makes::Charge),
    kind("second charge for a paid order", On::Paid, By::Stray, true, Makes::Charge),
    kind("charge for a cancelled order", On::Canceled, By::Stray, true, Makes::Charge),
    kind("charge cancelled at the console", On::Paid, By::Standing(State::Refunded), true, Makes::Cancel(None)),
    kind("part of a charge cancelled at the console", On::Paid, By::Alarm, false, Makes::Cancel(Some(10_000))),
    kind("confirming, charged", On::Confirming, By::Standing(State::Paid), true, Makes::Confirm { charged: true }),
    kind("confirming, not charged", On::Confirming, By::Standing(State::Paid), true, Makes::Confirm { charged: false }),
    kind("paid order deleted", On::Paid, By::Check("ORDER_MISSING"), false, Makes::Deleted(Item::Order)),
    kind("unpaid order made paid", On::Unpaid, By::Check("PAYMENT"), false, Makes::Changed(Item::Order)),
    kind("total of a paid order changed", On::Paid, By::Check("TOTAL"), false, Makes::Changed(Item::Order)),
    kind("purchase deleted", On::Paid, By::Check("PURCHASE_MISSING"), true, Makes::Deleted(Item::Purchase)),
    kind("purchase locked", On::Paid, By::Check("PURCHASE_MISSING"), true, Makes::Changed(Item::Purchase)),
    kind("purchase of a refunded line", On::Refunded, By::Check("PURCHASE_LEFT"), true, Makes::Left(Item::Purchase)),
    kind("purchase of no order", On::Nothing, By::Check("ORDER_MISSING"), false, Makes::Left(Item::Purchase)),
    kind("member deleted", On::Paid, By::Check("MEMBER_MISSING"), true, Makes::Deleted(Item::Member)),
    kind("member locked out", On::Paid, By::Check("MEMBER_MISSING"), true, Makes::Changed(Item::Member)),
    kind("member of a refunded line", On::Refunded, By::Check("MEMBER_LEFT"), true, Makes::Left(Item::Member)),
    kind("guard of an unpaid order deleted", On::Unpaid, By::Check("GUARD_MISSING"), true, Makes::Deleted(Item::Guard)),
    kind("guard of a paid order", On::Paid, By::Check("GUARD_LEFT"), true, Makes::Left(Item::Guard)),
    kind("payment deleted", On::Paid, By::Check("PAYMENT"), false, Makes::Deleted(Item::Payment)),
    kind("amount of a payment changed", On::Paid, By::Check("PAYMENT"), false, Makes::Changed(Item::Payment)),
    kind("ledger entry deleted", On::Paid, By::Check("LEDGER_CHARGED"), false, Makes::Deleted(Item::Sale)),
    kind("ledger entry changed", On::Paid, By::Check("ENTRY_UNBALANCED"), false, Makes::Changed(Item::Sale)),
    kind("ledger entry doubled", On::Paid, By::Check("LEDGER_CHARGED"), false, Makes::Left(Item::Sale)),
    kind(
        "seat sold to nobody",
        On::Shard,
        By::Check("SOLD"),
        true,
        Makes::Seat { from: Some("available"), to: "sold" },
    ),
    kind(
        "seat held for nobody",
        On::Shard,
        By::Check("HELD"),
        true,
        Makes::Seat { from: Some("available"), to: "held" },
    ),
    kind("seat out of nothing", On::Shard, By::Check("SEATS"), true, Makes::Seat { from: None, to: "available" }),
];

/// What something was done to.
#[derive(Clone, Debug)]
pub struct Injected {
    pub kind: Kind,
    /// As Toss names it.
    pub order: String,
    pub id: Option<OrderId>,
    pub product: ProductId,
    pub shard: u32,
    /// The charge that was made or cancelled.
    pub payment_key: Option<String>,
}

impl Shop {
    /// Does to `order`, or to a shard of `product`, what `kind` says.
    pub async fn inject(&self, kind: Kind, order: Option<&Order>, product: ProductId, shard: u32, n: u64) -> Injected {
        let ids = Ids::new(Clock::system(), Rng::from_seed(n));
        let id = order.map(|order| order.id);
        let (order_id, shard) = order.map_or((ids.id(), shard), |order| (order.id, order.lines[0].shard));
        let mut done = Injected { kind, order: order_id.to_string(), id, product, shard, payment_key: None };
        match (kind.makes, order) {
            (Makes::Charge, order) => {
                let asked = json!({ "orderId": done.order, "amount": PRICE });
                let toss = &self.server.toss;
                let payment: Value = toss.post("/sandbox/authenticate", None, None, &asked).await.expect(200).json();
                toss.toss("/v1/payments/confirm", &payment).await.expect(200);
                done.payment_key = payment["paymentKey"].as_str().map(str::to_owned);
                done.id = order.map(|order| order.id);
            }
            (Makes::Cancel(amount), Some(order)) => {
                let key = order.payment_key.clone().unwrap();
                let cancel = json!({ "cancelReason": "by hand", "cancelAmount": amount });
                self.server.toss.toss(&format!("/v1/payments/{key}/cancel"), &cancel).await.expect(200);
                done.payment_key = Some(key);
            }
            // It was done when the order was made.
            (Makes::Confirm { .. }, Some(order)) => done.payment_key.clone_from(&order.payment_key),
            (Makes::Seat { from, to }, None) => {
                let write = Write::update(keys::seats(product.into(), shard)).add(to, 1).if_present();
                let write = from.into_iter().fold(write, |write, from| write.add(from, -1));
                self.table.write(write).await.unwrap();
            }
            (Makes::Left(Item::Purchase), None) => {
                let title = serde_json::from_value(json!("사지 않은 것")).unwrap();
                let price = serde_json::from_value(json!(PRICE)).unwrap();
                let (user_id, product_id, purchased_at) = (ids.id(), ids.id(), Clock::system().now());
                let refunding = false;
                let left = Purchase { user_id, product_id, order_id, title, price, purchased_at, refunding };
                self.table.write(Write::put(&left)).await.unwrap();
                done.id = Some(order_id);
            }
            (makes, Some(order)) => self.tamper(makes, order, product).await,
            (makes, None) => panic!("{makes:?} of nothing"),
        }
        done
    }

    async fn tamper(&self, makes: Makes, order: &Order, product: ProductId) {
        let (user, since) = (order.buyer_id, order.created_at);
        let (title, price) = (order.lines[0].title.clone(), order.lines[0].price);
        let write = match makes {
            Makes::Deleted(Item::Order) => Write::delete(keys::order(order.id)),
            Makes::Deleted(Item::Purchase) => Write::delete(keys::purchase(user, product)),
            Makes::Deleted(Item::Member) => Write::delete(keys::buyer(product, user)),
            Makes::Deleted(Item::Guard) => Write::delete(keys::open_order(user, product)),
            Makes::Deleted(Item::Payment) => Write::delete(keys::payment(order.id)),
            Makes::Deleted(Item::Sale) => {
                let sale = self.sale(order).await;
                Write::delete(keys::ledger_entry(order.id, &sale.id))
            }
            Makes::Changed(Item::Order) if order.state == State::Paid => {
                Write::update(keys::order(order.id)).set("total", Won::new(PRICE - 1_000).unwrap())
            }
            Makes::Changed(Item::Order) => Write::update(keys::order(order.id)).set("state", State::Paid),
            Makes::Changed(Item::Purchase) => Write::update(keys::purchase(user, product)).set("refunding", true),
            Makes::Changed(Item::Member) => Write::update(keys::buyer(product, user)).set("refunding", true),
            Makes::Changed(Item::Payment) => {
                let paid: Payment = self.table.get_now(keys::payment(order.id)).await.unwrap().unwrap();
                Write::put(&Payment { amount: Won::new(paid.amount.get() + 1).unwrap(), ..paid })
            }
            Makes::Changed(Item::Sale) => {
                let mut sale = self.sale(order).await;
                sale.postings[0].amount += 1;
                Write::put(&sale)
            }
            Makes::Left(Item::Purchase) => {
                let (user_id, product_id, order_id) = (user, product, order.id);
                let refunding = false;
                Write::put(&Purchase { user_id, product_id, order_id, title, price, purchased_at: since, refunding })
            }
            Makes::Left(Item::Member) => {
                Write::put(&Buyer { product_id: product, user_id: user, order_id: order.id, since, refunding: false })
            }
            Makes::Left(Item::Guard) => {
                let hold_until = order.hold_until;
                Write::put(&OpenOrder { user_id: user, product_id: product, order_id: order.id, hold_until })
            }
            Makes::Left(Item::Sale) => {
                let sale = self.sale(order).await;
                Write::put(&LedgerEntry { id: format!("{}#again", sale.id), ..sale })
            }
            other => panic!("{other:?} of an order"),
        };
        self.table.write(write).await.unwrap();
    }

    async fn sale(&self, order: &Order) -> LedgerEntry {
        let entries = Query::partition(keys::order(order.id).pk, "LEDGER#");
        let entries: Vec<LedgerEntry> = self.table.all(&entries, 10).await.unwrap();
        entries.into_iter().find(|entry| entry.occasion == Occasion::Sale).unwrap()
    }
}
