//! The states of an order and the edges between them.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{money::Won, time::Time};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Its seats are held; it waits for payment.
    #[deserr(rename = "PENDING")]
    Pending,
    /// Toss was asked, or is about to be, to take the money.
    #[deserr(rename = "CONFIRMING")]
    Confirming,
    /// A virtual account waits for a deposit.
    #[deserr(rename = "AWAITING_DEPOSIT")]
    AwaitingDeposit,
    /// Paid and delivered.
    #[deserr(rename = "PAID")]
    Paid,
    /// Paid; some of its lines were given back.
    #[deserr(rename = "PARTIALLY_REFUNDED")]
    PartiallyRefunded,
    /// Every line was given back.
    #[deserr(rename = "REFUNDED")]
    Refunded,
    /// Given up by the buyer before payment.
    #[deserr(rename = "CANCELED")]
    Canceled,
    /// Not paid in time.
    #[deserr(rename = "EXPIRED")]
    Expired,
    /// Payment was refused after the hold had ended, or the charge was voided.
    #[deserr(rename = "FAILED")]
    Failed,
}

impl State {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Confirming,
        Self::AwaitingDeposit,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Canceled,
        Self::Expired,
        Self::Failed,
    ];

    /// The word in the table and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirming => "CONFIRMING",
            Self::AwaitingDeposit => "AWAITING_DEPOSIT",
            Self::Paid => "PAID",
            Self::PartiallyRefunded => "PARTIALLY_REFUNDED",
            Self::Refunded => "REFUNDED",
            Self::Canceled => "CANCELED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether an order in this state may come to be in `next`. No other edge exists.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Confirming | Self::Canceled | Self::Expired),
            Self::Confirming => matches!(next, Self::Paid | Self::Pending | Self::Failed | Self::AwaitingDeposit),
            Self::AwaitingDeposit => matches!(next, Self::Paid | Self::Expired | Self::Canceled),
            Self::Paid => matches!(next, Self::PartiallyRefunded | Self::Refunded),
            Self::PartiallyRefunded => matches!(next, Self::PartiallyRefunded | Self::Refunded),
            Self::Refunded | Self::Canceled | Self::Expired | Self::Failed => false,
        }
    }

    /// Whether its money was taken, and is not or not all back.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::PartiallyRefunded)
    }

    /// Whether the order still holds its seats without owning them.
    pub fn holds_seats(self) -> bool {
        matches!(self, Self::Pending | Self::Confirming | Self::AwaitingDeposit)
    }
}

/// What becomes of one line of a paid order that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Return {
    /// Asked for: the buyer has no access any more, and Toss has not answered yet.
    Refunding,
    /// The money is back.
    Refunded,
}

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundState {
    /// Written down; Toss is asked until it answers.
    Requested,
    /// The money is back.
    Done,
    /// Toss refused for good; the lines are the buyer's again.
    Refused,
}

/// How a buyer's request for a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RequestState {
    /// Waits for an admin.
    Open,
    /// A refund was its answer.
    Answered,
}

/// How long a new order may be paid.
pub const HOLD_SECONDS: i64 = 10 * 60;
/// How long after the end of a hold it is let go: nobody's clock is exact.
pub const EXPIRY_GRACE_SECONDS: i64 = 30;
/// How long after an order left CONFIRMING unpaid Toss is asked about it once more.
pub const LAST_LOOK_SECONDS: i64 = 12 * 60;
/// Unpaid expiries of one product within [`LAPSE_WINDOW_SECONDS`] that make a buyer wait.
pub const LAPSES_ALLOWED: usize = 2;
/// See [`LAPSES_ALLOWED`].
pub const LAPSE_WINDOW_SECONDS: i64 = 60 * 60;
/// How long a buyer waits after too many unpaid expiries.
pub const LAPSE_BLOCK_SECONDS: i64 = 30 * 60;
/// The most lines of one order: its transaction must fit.
pub const MAX_LINES: usize = 10;

/// The total of an order: the sum of its lines' prices.
pub fn total(prices: impl IntoIterator<Item = Won>) -> Won {
    prices.into_iter().sum()
}

/// The unpaid expiries that still count at `now`, this one included, and until when the buyer
/// has to wait if they are too many.
pub fn record_lapse(earlier: &[Time], now: Time) -> (Vec<Time>, Option<Time>) {
    let mut lapses: Vec<Time> =
        earlier.iter().copied().filter(|lapse| lapse.plus_seconds(LAPSE_WINDOW_SECONDS) > now).collect();
    lapses.push(now);
    let blocked = (lapses.len() >= LAPSES_ALLOWED).then(|| now.plus_seconds(LAPSE_BLOCK_SECONDS));
    (lapses, blocked)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The edges that the documentation lists, as `(from, to)`; `–` is "no order yet".
    fn documented() -> BTreeSet<(String, String)> {
        let page = include_str!("../../../infra/docs/order-states.md");
        page.lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
                (cells.next().unwrap(), cells.next().unwrap())
            })
            .collect()
    }

    #[test]
    fn exactly_the_documented_edges_exist() {
        let coded: BTreeSet<(String, String)> = State::ALL
            .into_iter()
            .flat_map(|from| State::ALL.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| (from.as_str().to_owned(), to.as_str().to_owned()))
            .collect();
        assert_eq!(coded, documented());
    }

    #[test]
    fn seats_are_held_from_the_order_to_its_end() {
        let holding: Vec<State> = State::ALL.into_iter().filter(|state| state.holds_seats()).collect();
        assert_eq!(holding, [State::Pending, State::Confirming, State::AwaitingDeposit]);
    }

    #[test]
    fn only_what_was_paid_and_is_not_all_back_counts_as_paid() {
        let paid: Vec<State> = State::ALL.into_iter().filter(|state| state.is_paid()).collect();
        assert_eq!(paid, [State::Paid, State::PartiallyRefunded]);
    }

    /// As buyers are told them.
    #[test]
    fn spans_are_in_seconds() {
        assert_eq!((HOLD_SECONDS, LAST_LOOK_SECONDS), (600, 720));
        assert_eq!((LAPSE_WINDOW_SECONDS, LAPSE_BLOCK_SECONDS), (3_600, 1_800));
    }

    #[test]
    fn two_lapses_in_an_hour_make_a_buyer_wait() {
        let start = Time::from_unix_millis(0);
        let (first, blocked) = record_lapse(&[], start);
        assert_eq!(blocked, None);
        let later = start.plus_seconds(LAPSE_WINDOW_SECONDS - 1);
        assert_eq!(record_lapse(&first, later).1, Some(later.plus_seconds(LAPSE_BLOCK_SECONDS)));
        assert_eq!(record_lapse(&first, start.plus_seconds(LAPSE_WINDOW_SECONDS)).1, None);
    }

    proptest! {
        #[test]
        fn a_total_is_the_sum_of_its_lines(prices in prop::collection::vec(0_i64..=100_000_000, 0..=MAX_LINES)) {
            let total = total(prices.iter().map(|price| Won::new(*price).unwrap()));
            prop_assert_eq!(total.get(), prices.iter().sum::<i64>());
        }

        #[test]
        fn no_walk_leaves_a_final_state_or_pays_twice(steps in prop::collection::vec(0_usize..9, 0..40)) {
            let mut state = State::Pending;
            let mut paid = 0;
            for step in steps {
                let next = State::ALL[step];
                if state.may_become(next) {
                    paid += u32::from(next == State::Paid);
                    state = next;
                }
            }
            prop_assert!(paid <= 1);
        }
    }
}
