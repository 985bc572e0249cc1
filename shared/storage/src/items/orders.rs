use domain::{
    ids::{OrderId, ProductId, RefundId, RefundRequestId, UserId},
    money::{Price, Won},
    orders::{Return, State},
    text::Title,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::keys::{self, Keys};

/// A product that somebody means to buy, as it was when put into the cart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartLine {
    /// Whose cart.
    pub user_id: UserId,
    /// Which product.
    pub product_id: ProductId,
    /// Its price then.
    pub price: Price,
    /// When it was put in.
    pub added_at: Time,
}

impl Stored for CartLine {
    const TYPE: &'static str = "CART_LINE";

    fn keys(&self) -> Keys {
        Keys::of(keys::cart_line(self.user_id, self.product_id))
    }
}

/// One line of an order: a copy of what was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// Which product.
    pub product_id: ProductId,
    /// Its title then.
    pub title: Title,
    /// Its price then: what this line costs, whatever becomes of the product's.
    pub price: Price,
    /// The shard that the seat was taken from.
    pub shard: u32,
    /// Whom the money is for.
    pub tutor_id: UserId,
    /// What the platform keeps of the price: fixed with it.
    pub fee: Won,
    /// Whether it is being given back, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Return>,
}

/// A charge that is to be cancelled in full, written down before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Void {
    /// The counter of its idempotency key at Toss, `void:{orderId}:{m}`.
    pub m: u32,
    /// Why, for operators and the buyer.
    pub reason: String,
}

/// How an order was paid, for its buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// In Korean, as Toss names it, such as `카드`.
    pub method: Option<String>,
    /// Toss's receipt page.
    pub receipt_url: Option<String>,
    /// Whether single lines can be refunded; otherwise all at once.
    #[serde(default)]
    pub partial_refunds: bool,
}

/// The account that an order's money is to be paid into. Its number is not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deposit {
    /// Toss's two-digit code of the bank.
    pub bank_code: String,
    /// As Toss wrote it.
    pub account_number: String,
    /// In whose name it was given out.
    pub holder: String,
    /// Until when the money may be paid in.
    pub due_date: Time,
    /// [`keys::hashed`] of the secret that Toss repeats in webhooks about the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl std::fmt::Debug for Deposit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deposit").field("due_date", &self.due_date).finish_non_exhaustive()
    }
}

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub buyer_id: UserId,
    /// Where it stands.
    pub state: State,
    /// What was ordered; 1 to 10, of distinct products.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Won,
    /// When it was made.
    pub created_at: Time,
    /// Until when its payment may begin, or its deposit may come.
    pub hold_until: Time,
    /// The key of the payment that is being confirmed, or that paid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_key: Option<String>,
    /// How many confirmations were begun: the counter of the key at Toss, `confirm:{orderId}:{attempt}`.
    #[serde(default)]
    pub attempt: u32,
    /// Payment keys that this order has let go of and never confirms again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_keys: Vec<String>,
    /// The intent to cancel the charge. While it stands only "finish the void" leaves CONFIRMING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<Void>,
    /// When its next work is due; none in final states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// Before this instant Toss is not asked about it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_check_at: Option<Time>,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Time>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Settlement>,
    /// Why the last payment was refused: Toss's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The refund that is at work: one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_refund: Option<RefundId>,
    /// How many refunds were begun: who saw another number saw other lines.
    #[serde(default)]
    pub refunds: u32,
    /// How often work on it has failed in a row: the back-off of `due`.
    #[serde(default)]
    pub setbacks: u32,
    /// The buyer's request for a refund that waits for an admin: one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_request: Option<RefundRequestId>,
    /// Where its money is to be paid in, while it waits for a deposit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Box<Deposit>>,
}

impl Order {
    /// The lines that are still the buyer's.
    pub fn kept(&self) -> impl Iterator<Item = &OrderLine> {
        self.lines.iter().filter(|line| line.returned.is_none())
    }

    /// What Toss still holds of it: the price of every line whose money is not back.
    pub fn balance(&self) -> Won {
        let charged = self.lines.iter().filter(|line| line.returned != Some(Return::Refunded));
        domain::orders::total(charged.map(|line| line.price.won()))
    }
}

impl Stored for Order {
    const TYPE: &'static str = "ORDER";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: Some(keys::order_by_work(self.id, self.state, self.due)),
            gsi2: Some(keys::order_of(self.buyer_id, self.id)),
            ..Keys::of(keys::order(self.id))
        }
    }
}

/// The payment of a settled order, as it was read from Toss.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Of which order.
    pub order_id: OrderId,
    /// Toss's key.
    pub payment_key: String,
    /// What was captured.
    pub amount: Won,
    /// In Korean, as Toss names it.
    pub method: Option<String>,
    /// When Toss approved it.
    pub approved_at: Option<Time>,
    /// When we settled it.
    pub settled_at: Time,
}

impl Stored for Payment {
    const TYPE: &'static str = "PAYMENT";

    fn keys(&self) -> Keys {
        Keys::of(keys::payment(self.order_id))
    }
}

/// Which order a payment key was sent for: no key pays two orders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentKeyGuard {
    /// Toss's key.
    pub payment_key: String,
    /// The order.
    pub order_id: OrderId,
}

impl Stored for PaymentKeyGuard {
    const TYPE: &'static str = "PAYMENT_KEY_GUARD";

    fn keys(&self) -> Keys {
        Keys::of(keys::payment_key_guard(&self.payment_key))
    }
}

/// The guard that lets a user have one unpaid order per product.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenOrder {
    /// Whose.
    pub user_id: UserId,
    /// Of which product.
    pub product_id: ProductId,
    /// Which order is open.
    pub order_id: OrderId,
    /// Until when it holds its seats.
    pub hold_until: Time,
}

impl Stored for OpenOrder {
    const TYPE: &'static str = "OPEN_ORDER";

    fn keys(&self) -> Keys {
        Keys::of(keys::open_order(self.user_id, self.product_id))
    }
}

/// How often a user let a hold on a product expire lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lapses {
    /// Whose.
    pub user_id: UserId,
    /// Of which product.
    pub product_id: ProductId,
    /// When, oldest first.
    pub at: Vec<Time>,
    /// Until when the user may not order the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Time>,
    /// Raised by every change.
    pub version: u64,
}

impl Stored for Lapses {
    const TYPE: &'static str = "LAPSES";

    fn keys(&self) -> Keys {
        Keys::of(keys::lapses(self.user_id, self.product_id))
    }
}

/// A user's right to a product.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Purchase {
    /// Whose.
    pub user_id: UserId,
    /// To which product.
    pub product_id: ProductId,
    /// By which order.
    pub order_id: OrderId,
    /// The product's title then.
    pub title: Title,
    /// What it cost.
    pub price: Price,
    /// When.
    pub purchased_at: Time,
    /// Whether it is being given back: then it entitles to nothing any more.
    #[serde(default)]
    pub refunding: bool,
}

impl Stored for Purchase {
    const TYPE: &'static str = "PURCHASE";

    fn keys(&self) -> Keys {
        Keys {
            gsi2: Some(keys::purchase_of(self.user_id, self.purchased_at, self.product_id)),
            ..Keys::of(keys::purchase(self.user_id, self.product_id))
        }
    }
}

/// The product's side of a purchase: a member of a PWT's schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buyer {
    /// Of which product.
    pub product_id: ProductId,
    /// Who.
    pub user_id: UserId,
    /// By which order.
    pub order_id: OrderId,
    /// Since when.
    pub since: Time,
    /// Whether the purchase is being given back: then they are no member any more.
    #[serde(default)]
    pub refunding: bool,
}

impl Stored for Buyer {
    const TYPE: &'static str = "BUYER";

    fn keys(&self) -> Keys {
        Keys::of(keys::buyer(self.product_id, self.user_id))
    }
}
