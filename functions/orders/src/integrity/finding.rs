use domain::ids::{OrderId, ProductId, UserId};
use serde::Serialize;

/// One difference between what is recorded and what follows from the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What differs.
    pub kind: Kind,
    /// Of which order.
    pub order_id: Option<OrderId>,
    /// Of which product.
    pub product_id: Option<ProductId>,
    /// Whose; an id, and nothing else about them.
    pub user_id: Option<UserId>,
    /// In which shard of its seats.
    pub shard: Option<u32>,
    /// What is recorded: seats, won, or how many.
    pub recorded: i64,
    /// What it ought to be.
    pub recomputed: i64,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Something names an order that does not exist.
    OrderMissing,
    /// The total is not the sum of the lines.
    Total,
    /// A paid line is not a purchase of its buyer, or one that cannot be used.
    PurchaseMissing,
    /// A purchase that was not paid, or was given back.
    PurchaseLeft,
    /// A paid line's buyer is no member.
    MemberMissing,
    /// A member who did not pay, or was given back what they paid.
    MemberLeft,
    /// An unpaid order does not keep its buyer from a second one.
    GuardMissing,
    /// An order that ended keeps its buyer from the next one.
    GuardLeft,
    /// An order and its refunds disagree whether one is at work.
    OpenRefund,
    /// The payment of a paid order is missing, or of another amount.
    Payment,
    /// An entry of the ledger does not sum to zero.
    EntryUnbalanced,
    /// The ledger says of an order another sum than was charged for it.
    LedgerCharged,
    /// The ledger says of an order another sum than was given back.
    LedgerRefunded,
    /// A sale has more or fewer seats than its project.
    Seats,
    /// Held seats are not those of unpaid orders.
    Held,
    /// Sold seats are not those of paid lines.
    Sold,
    /// Kept seats are not those of the claims.
    Claimed,
    /// A sale says that somebody waits, and there is no list; or the other way round.
    Waiting,
    /// A waitlist counts another number of places than it has.
    Waiters,
}

impl Finding {
    /// Something that there is, or not: `recorded` and `recomputed` are how many.
    pub(super) fn new(kind: Kind, recorded: i64, recomputed: i64) -> Self {
        Self { kind, order_id: None, product_id: None, user_id: None, shard: None, recorded, recomputed }
    }

    pub(super) fn of_order(self, order: OrderId) -> Self {
        Self { order_id: Some(order), ..self }
    }

    pub(super) fn of_line(self, user: UserId, product: ProductId) -> Self {
        Self { user_id: Some(user), product_id: Some(product), ..self }
    }

    pub(super) fn of_sale(self, product: ProductId, shard: Option<u32>) -> Self {
        Self { product_id: Some(product), shard, ..self }
    }
}
