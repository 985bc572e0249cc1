use domain::{
    ids::{ScheduleId, UserId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// The address at which a member's calendar program reads a schedule. Only the hash of its secret
/// is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feed {
    /// Whose.
    pub user_id: UserId,
    /// Of which schedule.
    pub schedule_id: ScheduleId,
    /// [`keys::hashed`] of the secret in it.
    pub secret_hash: String,
    /// Since when it is good.
    pub issued_at: Time,
}

impl Stored for Feed {
    const TYPE: &'static str = "FEED";

    fn keys(&self) -> Keys {
        Keys::of(keys::feed(self.user_id, self.schedule_id))
    }
}

impl Feed {
    /// Puts it in the place of `before`, whose address ends with that. To be committed together.
    pub fn issue(&self, before: Option<&Self>) -> Vec<Write> {
        let guard =
            FeedGuard { user_id: self.user_id, schedule_id: self.schedule_id, secret_hash: self.secret_hash.clone() };
        let guard = Write::put(&guard).if_absent();
        match before {
            None => vec![Write::put(self).if_absent(), guard],
            Some(before) => {
                vec![Write::put(self).if_is("secretHash", &before.secret_hash), guard, before.revoke()]
            }
        }
    }

    /// Nothing is shown at its address any more.
    pub fn revoke(&self) -> Write {
        Write::delete(keys::feed_guard(&self.secret_hash))
    }
}

/// What finds a [`Feed`] by its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedGuard {
    /// To whom it is shown.
    pub user_id: UserId,
    /// What is shown.
    pub schedule_id: ScheduleId,
    /// [`keys::hashed`] of the secret.
    pub secret_hash: String,
}

impl Stored for FeedGuard {
    const TYPE: &'static str = "FEED_GUARD";

    fn keys(&self) -> Keys {
        Keys::of(keys::feed_guard(&self.secret_hash))
    }
}
