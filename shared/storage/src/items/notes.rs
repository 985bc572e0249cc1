use domain::{
    ids::{NoteId, ProductId, ReportId, UserId},
    reports::Outcome,
    text::Title,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::keys::{self, Keys};

/// What a notification is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum NoteKind {
    /// A seat is kept for somebody who waited.
    WaitlistClaim {
        /// Of which product.
        product_id: ProductId,
        /// Its title then.
        title: Title,
        /// Until when.
        claim_until: Time,
    },
    /// A sale ended before those who waited had their turn.
    WaitlistClosed {
        /// Of which product.
        product_id: ProductId,
        /// Its title then; none if the product is gone.
        title: Option<Title>,
    },
    /// An admin has decided on a report.
    ReportResolved {
        /// Which.
        report_id: ReportId,
        /// What was decided.
        outcome: Outcome,
    },
}

/// A notification to somebody, in the app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// To whom.
    pub user_id: UserId,
    /// What about.
    #[serde(flatten)]
    pub kind: NoteKind,
    /// Since when.
    pub created_at: Time,
}

impl Note {
    /// How long it is kept.
    const KEPT_SECONDS: i64 = 90 * 24 * 60 * 60;
}

impl Stored for Note {
    const TYPE: &'static str = "NOTE";

    fn keys(&self) -> Keys {
        Keys {
            ttl: Some(self.created_at.plus_seconds(Self::KEPT_SECONDS).unix_seconds()),
            ..Keys::of(keys::note(self.user_id, self.id))
        }
    }
}
