//! Carts, orders, payments, refunds, purchases and the ledger.

use domain::{
    ids::{OrderId, ProductId, RefundId, RefundRequestId, UserId},
    orders::State,
    time::Time,
};

use super::{IndexKey, Key, user_partition};

/// Which order a payment key of Toss was sent for.
pub fn payment_key_guard(payment_key: &str) -> Key {
    Key::new(format!("PAYMENT_KEY#{payment_key}"), "GUARD")
}

/// One line of a cart.
pub fn cart_line(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{CART_LINE}{product}"))
}

/// How the sort keys of cart lines begin.
pub const CART_LINE: &str = "CART#";

/// One order.
pub fn order(id: OrderId) -> Key {
    Key::new(format!("ORDER#{id}"), "ORDER")
}

/// An order among its buyer's.
pub fn order_of(buyer: UserId, id: OrderId) -> IndexKey {
    IndexKey::new(orders_of(buyer), id.to_string())
}

/// The partition of [`order_of`].
pub fn orders_of(buyer: UserId) -> String {
    format!("USER#{buyer}#ORDER")
}

/// How many partitions the orders with work left are spread over.
pub const DUE_SHARDS: u32 = 8;

/// The partition of an order among those of its kind.
pub(super) fn order_shard(id: OrderId) -> u32 {
    let random = ulid::Ulid::from(id).random();
    u32::try_from(random % u128::from(DUE_SHARDS)).unwrap_or_default()
}

/// An order with work left, by when it is to be done.
pub fn due_order(id: OrderId, due: Time) -> IndexKey {
    IndexKey::new(due_orders(order_shard(id)), format!("{due}#{id}"))
}

/// The partition of [`due_order`].
pub fn due_orders(shard: u32) -> String {
    format!("ORDERS_DUE#{shard}")
}

/// The payment of a settled order.
pub fn payment(order: OrderId) -> Key {
    Key::new(format!("ORDER#{order}"), "PAYMENT")
}

/// One refund of an order.
pub fn refund(order: OrderId, id: RefundId) -> Key {
    Key::new(format!("ORDER#{order}"), format!("{REFUND}{id}"))
}

/// All refunds with work left.
pub const DUE_REFUNDS: &str = "REFUNDS_DUE";

/// A refund with work left, by when it is to be done.
pub fn due_refund(order: OrderId, due: Time) -> IndexKey {
    IndexKey::new(DUE_REFUNDS, format!("{due}#{order}"))
}

/// An entry of the ledger: `id` tells the entries of one order apart, and lets none be made twice.
pub fn ledger_entry(order: OrderId, id: &str) -> Key {
    Key::new(format!("ORDER#{order}"), format!("LEDGER#{id}"))
}

/// An entry among those of its day, which is Seoul's.
pub fn ledger_of_day(at: Time, order: OrderId, id: &str) -> IndexKey {
    IndexKey::new(ledger_day(&at.korean_date()), format!("{at}#{order}#{id}"))
}

/// The partition of [`ledger_of_day`]; `day` such as `2026-11-24`.
pub fn ledger_day(day: &str) -> String {
    format!("LEDGER#{day}")
}

/// How far Toss's list of transactions was matched with the orders.
pub fn transactions_matched() -> Key {
    Key::new("TRANSACTIONS".to_owned(), "MATCHED".to_owned())
}

/// An entry among its tutor's.
pub fn ledger_of_tutor(tutor: UserId, at: Time, order: OrderId, id: &str) -> IndexKey {
    IndexKey::new(ledger_of(tutor), format!("{at}#{order}#{id}"))
}

/// The partition of [`ledger_of_tutor`].
pub fn ledger_of(tutor: UserId) -> String {
    format!("USER#{tutor}#LEDGER")
}

/// The guard that lets a user have one unpaid order per product.
pub fn open_order(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{OPEN_ORDER}{product}"))
}

/// How the sort keys of open-order guards begin.
pub const OPEN_ORDER: &str = "OPEN#";

/// How often a user let a hold on a product expire lately.
pub fn lapses(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("LAPSES#{product}"))
}

/// A user's right to a product.
pub fn purchase(user: UserId, product: ProductId) -> Key {
    Key::new(user_partition(user), format!("{PURCHASE}{product}"))
}

/// How the sort keys of purchases begin.
pub const PURCHASE: &str = "PURCHASE#";

/// A purchase among its user's; `at` is when it was made.
pub fn purchase_of(user: UserId, at: Time, product: ProductId) -> IndexKey {
    IndexKey::new(purchases_of(user), format!("{at}#{product}"))
}

/// The partition of [`purchase_of`].
pub fn purchases_of(user: UserId) -> String {
    format!("USER#{user}#PURCHASE")
}

/// A buyer's request for a refund of an order.
pub fn refund_request(order: OrderId, id: RefundRequestId) -> Key {
    Key::new(format!("ORDER#{order}"), format!("REFUND_REQUEST#{id}"))
}

/// A request that waits for an admin, oldest first.
pub fn open_refund_request(asked: Time, id: RefundRequestId) -> IndexKey {
    IndexKey::new(OPEN_REFUND_REQUESTS, format!("{asked}#{id}"))
}

/// The partition of [`open_refund_request`].
pub const OPEN_REFUND_REQUESTS: &str = "REFUND_REQUESTS";

/// An order without work left, among those of its state by age.
pub fn idle_order(id: OrderId, state: State) -> IndexKey {
    IndexKey::new(idle_orders(state, order_shard(id)), id.to_string())
}

/// The partition of [`idle_order`]; there are [`DUE_SHARDS`].
pub fn idle_orders(state: State, shard: u32) -> String {
    format!("ORDERS#{}#{shard}", state.as_str())
}

/// An order in the one of the two lists where it belongs.
pub fn order_by_work(id: OrderId, state: State, due: Option<Time>) -> IndexKey {
    due.map_or_else(|| idle_order(id, state), |due| due_order(id, due))
}

/// How the sort keys of refunds begin.
pub const REFUND: &str = "REFUND#";
