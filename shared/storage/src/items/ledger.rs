use domain::{
    ids::{OrderId, ProductId, UserId},
    ledger::{Occasion, Posting},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::keys::{self, Keys};

/// One entry of the ledger: postings that sum to zero. Never changed, never deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Of which order.
    pub order_id: OrderId,
    /// What it is about within the order; no other entry of the order has the same.
    pub id: String,
    /// Why it was made.
    pub occasion: Occasion,
    /// When.
    pub created_at: Time,
    /// Which line; none for a charge as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Whose sale; none for a charge that was voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tutor_id: Option<UserId>,
    /// What it does.
    pub postings: Vec<Posting>,
}

impl Stored for LedgerEntry {
    const TYPE: &'static str = "LEDGER_ENTRY";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: Some(keys::ledger_of_day(self.created_at, self.order_id, &self.id)),
            gsi2: self.tutor_id.map(|tutor| keys::ledger_of_tutor(tutor, self.created_at, self.order_id, &self.id)),
            ..Keys::of(keys::ledger_entry(self.order_id, &self.id))
        }
    }
}

/// How far Toss's list of transactions was matched with the orders. There is one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchedUntil {
    /// What was moved before this instant was matched.
    pub until: Time,
}

impl Stored for MatchedUntil {
    const TYPE: &'static str = "MATCHED_UNTIL";

    fn keys(&self) -> Keys {
        Keys::of(keys::transactions_matched())
    }
}
