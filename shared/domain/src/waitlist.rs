//! Waiting for a seat of a sold-out PWT.

use serde::{Deserialize, Serialize};

/// How a place on a waitlist stands. A place that ended is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlaceState {
    /// In line.
    Waiting,
    /// First in line when a seat was freed: the seat is kept for it for [`CLAIM_SECONDS`].
    Claimed,
}

/// How long a freed seat is kept for who was first in line.
pub const CLAIM_SECONDS: i64 = 30 * 60;

#[cfg(test)]
mod tests {
    #[test]
    fn a_claim_lasts_half_an_hour() {
        assert_eq!(super::CLAIM_SECONDS, 1_800);
    }
}
