//! What the CDN was told to forget.

use domain::time::Time;
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// How many paths the CDN was told to forget in one month.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForgottenPaths {
    /// Some instant of the month.
    pub at: Time,
    /// How many.
    pub paths: u64,
}

impl Stored for ForgottenPaths {
    const TYPE: &'static str = "FORGOTTEN_PATHS";

    fn keys(&self) -> Keys {
        Keys::of(keys::forgotten_paths(self.at))
    }
}

impl ForgottenPaths {
    /// Counts so many more in the month of `at`.
    pub fn count(at: Time, paths: usize) -> Write {
        Write::update(keys::forgotten_paths(at))
            .set("type", Self::TYPE)
            .set("at", at)
            .add("paths", i64::try_from(paths).unwrap_or(i64::MAX))
    }
}

/// An invalidation that is counted in [`ForgottenPaths`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedInvalidation {
    /// Its caller reference.
    pub reference: String,
    /// When it was counted.
    pub at: Time,
}

impl Stored for CountedInvalidation {
    const TYPE: &'static str = "COUNTED_INVALIDATION";

    fn keys(&self) -> Keys {
        // Longer than any message lives among others and dead letters.
        let ttl = self.at.plus_seconds(60 * 24 * 60 * 60).unix_seconds();
        Keys { ttl: Some(ttl), ..Keys::of(keys::seen("CDN", &self.reference)) }
    }
}

impl CountedInvalidation {
    /// Notes that the invalidation of this reference is counted, unless it was before.
    pub fn first(reference: &str, at: Time) -> Write {
        Write::put(&Self { reference: reference.to_owned(), at }).if_absent()
    }
}
