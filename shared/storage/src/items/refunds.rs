use domain::{
    ids::{OrderId, ProductId, RefundId, RefundRequestId, UserId},
    money::Won,
    orders::{RefundState, RequestState},
    text::Reason,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::keys::{self, Keys};

/// A refund of an order, in whole or in part: written down before Toss is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
    /// The products whose lines it gives back.
    pub products: Vec<ProductId>,
    /// What it gives back.
    pub amount: Won,
    /// What Toss held of the order before it.
    pub refundable: Won,
    /// Why, for Toss and the records.
    pub reason: String,
    /// Who asked for it.
    pub asked_by: UserId,
    /// The counter of its idempotency key at Toss, `refund:{id}:{n}`.
    pub n: u32,
    /// How it stands.
    pub state: RefundState,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Why Toss refused it: its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Where its money goes, if that has to be said: encrypted for this refund, and gone when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_cipher: Option<String>,
    /// When its next work is due; none when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// How often work on it has failed in a row.
    #[serde(default)]
    pub setbacks: u32,
}

impl Stored for Refund {
    const TYPE: &'static str = "REFUND";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: self.due.map(|due| keys::due_refund(self.order_id, due)),
            ..Keys::of(keys::refund(self.order_id, self.id))
        }
    }
}

/// A buyer's request for a refund that the buyer may not take alone. Its order names it while it is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRequest {
    /// Its id.
    pub id: RefundRequestId,
    /// Of which order.
    pub order_id: OrderId,
    /// Who asks: the buyer.
    pub user_id: UserId,
    /// Why, in the buyer's words.
    pub reason: Reason,
    /// How it stands.
    pub state: RequestState,
    /// When it was made.
    pub created_at: Time,
}

impl Stored for RefundRequest {
    const TYPE: &'static str = "REFUND_REQUEST";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: (self.state == RequestState::Open).then(|| keys::open_refund_request(self.created_at, self.id)),
            ..Keys::of(keys::refund_request(self.order_id, self.id))
        }
    }
}
