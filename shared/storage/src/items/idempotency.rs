use domain::{ids::UserId, time::Time};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// How far a request with an idempotency key has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Progress {
    /// Somebody works on it; when the record ends, another may take over.
    AtWork {
        /// Names the holder.
        lease: String,
    },
    /// It succeeded with this answer.
    Done {
        /// What a repeat is answered.
        answer: Answer,
    },
}

/// A recorded success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, as sent.
    pub body: String,
    /// The `Location` header.
    pub location: Option<String>,
    /// The version in the `ETag` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// What one user's idempotency key of one operation led to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdempotencyRecord {
    /// Whose.
    pub user_id: UserId,
    /// Of which operation.
    pub operation: String,
    /// The key, as sent.
    pub key: String,
    /// SHA-256 of the request body, in hex.
    pub fingerprint: String,
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
    /// When the record ends: a lease after seconds, a success after a day.
    pub expires_at: Time,
}

impl Stored for IdempotencyRecord {
    const TYPE: &'static str = "IDEMPOTENCY_RECORD";

    fn keys(&self) -> Keys {
        Keys {
            ttl: Some(self.expires_at.unix_seconds()),
            ..Keys::of(keys::idempotency(self.user_id, &self.operation, &self.key))
        }
    }
}

impl IdempotencyRecord {
    /// Writes the record where there is none, or one that has ended.
    pub fn claim(&self, now: Time) -> Write {
        Write::put(self).if_absent_or_at_most("expiresAt", now)
    }

    /// Replaces the record of a lease by this one.
    pub fn follow(&self, lease: &str) -> Write {
        Write::put(self).if_is("lease", lease)
    }

    /// Gives a lease back.
    pub fn release(&self, lease: &str) -> Write {
        Write::delete(self.keys().key).if_is("lease", lease)
    }
}
