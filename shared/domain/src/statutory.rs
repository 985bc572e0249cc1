//! What the law's table of refunds gives back of the price of teaching that a buyer gives up.
//!
//! The table is 별표 4 (교습비등 반환기준) of the enforcement decree of the Private Teaching Institutes Act (학원의
//! 설립·운영 및 과외교습에 관한 법률 시행령), to which its 제18조제3항 points; the rows here are those of
//! 제18조제2항제3호, a learner who gives up of their own will:
//!
//! - before teaching begins: all of it;
//! - a period of up to one month: two thirds until a third of the teaching time has passed, one half until
//!   half of it has passed, nothing after that;
//! - a longer period: the month that runs by the row above, and the months after it in full;
//! - note 1: what counts is the teaching time that has passed until the day of giving up;
//! - note 2: of teaching at a distance, what was not used.
//!
//! <https://www.law.go.kr/법령/학원의설립ㆍ운영및과외교습에관한법률시행령>
//!
//! The table leaves open what follows, and here it is decided for the learner: at the very third or half
//! it has not passed yet, and what is kept is rounded down to a won, so that what goes back is rounded up. A month
//! is a calendar month in Korea, counted from the first day of teaching, and costs its share of the time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{money::Won, time::Time};

/// How much of the teaching a learner has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teaching {
    /// It takes place within a period; the time of the period stands for that of its lessons.
    Period {
        /// When it begins.
        starts_at: Time,
        /// When it ends.
        ends_at: Time,
        /// When the learner gives up.
        given_up_at: Time,
    },
    /// At a distance: what was used and how much there is, in the same unit, such as seconds of video.
    Distance {
        /// What was watched or stored.
        used: u64,
        /// All of it.
        whole: u64,
    },
}

/// The row of the table that gives an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Row {
    /// Teaching has not begun: all of it.
    BeforeStart,
    /// At most a third has passed: two thirds.
    FirstThird,
    /// At most half has passed: one half.
    FirstHalf,
    /// More than half has passed: nothing.
    AfterHalf,
    /// A period of more than a month that has begun: the running month's part and the months after it.
    ByMonth,
    /// At a distance: what was not used.
    Unused,
}

/// What the table gives back, and by which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statutory {
    /// The amount.
    pub amount: Won,
    /// The row.
    pub row: Row,
}

/// What the table gives back of `price`.
pub fn refund(price: Won, teaching: Teaching) -> Statutory {
    match teaching {
        Teaching::Distance { used, whole } => {
            Statutory { amount: without(price, used.into(), whole.into()), row: Row::Unused }
        }
        Teaching::Period { starts_at, given_up_at, .. } if given_up_at < starts_at => {
            Statutory { amount: price, row: Row::BeforeStart }
        }
        Teaching::Period { starts_at, ends_at, given_up_at } => {
            let month = running_month(starts_at, ends_at, given_up_at);
            let row = row_of_month(month, given_up_at);
            let (length, in_month) = (millis(starts_at, ends_at), millis(month.0, month.1));
            // In sixths, because the rows give thirds and halves.
            let of_month = in_month.saturating_mul(sixths(row));
            let left = of_month.saturating_add(millis(month.1, ends_at).saturating_mul(6));
            let whole = length.saturating_mul(6);
            let row = if month == (starts_at, ends_at) { row } else { Row::ByMonth };
            Statutory { amount: without(price, whole.saturating_sub(left), whole), row }
        }
    }
}

/// `price` without its share `part / whole`, which is rounded down to a won. Of nothing, nothing was had.
fn without(price: Won, part: i128, whole: i128) -> Won {
    let all = i128::from(price.get());
    let kept = all.saturating_mul(part.clamp(0, whole)).checked_div(whole).unwrap_or_default();
    i64::try_from(all.saturating_sub(kept)).ok().and_then(Won::new).unwrap_or_default()
}

fn millis(from: Time, until: Time) -> i128 {
    i128::from(until.unix_millis()).saturating_sub(from.unix_millis().into()).max(0)
}

/// The month of the period in which `at` lies; where the period is over, what comes after it.
fn running_month(starts_at: Time, ends_at: Time, at: Time) -> (Time, Time) {
    // Each counted from the first day: 31 January, 28 February, 31 March.
    let begins = (0_u32..).map(|month| starts_at.plus_korean_months(month));
    let ends = (1_u32..).map(|month| starts_at.plus_korean_months(month).min(ends_at));
    let mut months = begins.zip(ends).take_while(|(begins, ends)| begins < ends);
    months.find(|(_, ends)| at < *ends).unwrap_or((ends_at, ends_at))
}

fn row_of_month((begins, ends): (Time, Time), at: Time) -> Row {
    let (passed, whole) = (millis(begins, at), millis(begins, ends));
    if passed.saturating_mul(3) <= whole {
        Row::FirstThird
    } else if passed.saturating_mul(2) <= whole {
        Row::FirstHalf
    } else {
        Row::AfterHalf
    }
}

fn sixths(row: Row) -> i128 {
    match row {
        Row::FirstThird => 4,
        Row::FirstHalf => 3,
        Row::AfterHalf => 0,
        // No rows of a month that runs.
        Row::BeforeStart | Row::ByMonth | Row::Unused => 6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn won(amount: i64) -> Won {
        Won::new(amount).unwrap()
    }

    /// A Korean day's first instant, or an instant in full.
    fn at(text: &str) -> Time {
        if text.len() == 10 { format!("{text}T00:00:00+09:00").parse().unwrap() } else { text.parse().unwrap() }
    }

    fn given_up(price: i64, starts: &str, ends: &str, now: &str) -> (i64, Row) {
        let (starts_at, ends_at, given_up_at) = (at(starts), at(ends), at(now));
        let Statutory { amount, row } = refund(won(price), Teaching::Period { starts_at, ends_at, given_up_at });
        (amount.get(), row)
    }

    #[test]
    fn a_period_of_up_to_one_month() {
        // Thirty days: a third are ten, half are fifteen.
        for (now, amount, row) in [
            ("2026-08-01", 90_000, Row::BeforeStart),
            ("2026-08-31T23:59:59.999+09:00", 90_000, Row::BeforeStart),
            ("2026-09-01", 60_000, Row::FirstThird),
            ("2026-09-11", 60_000, Row::FirstThird),
            ("2026-09-11T00:00:00.001+09:00", 45_000, Row::FirstHalf),
            ("2026-09-16", 45_000, Row::FirstHalf),
            ("2026-09-16T00:00:00.001+09:00", 0, Row::AfterHalf),
            ("2026-09-30", 0, Row::AfterHalf),
        ] {
            assert_eq!(given_up(90_000, "2026-09-01", "2026-10-01", now), (amount, row), "{now}");
        }
        // A week.
        assert_eq!(given_up(70_000, "2026-09-01", "2026-09-08", "2026-09-03"), (46_667, Row::FirstThird));
    }

    #[test]
    fn a_period_that_is_over_leaves_nothing() {
        assert_eq!(given_up(90_000, "2026-09-01", "2026-10-01", "2026-10-01").0, 0);
        assert_eq!(given_up(90_000, "2026-09-01", "2026-12-01", "2026-12-01"), (0, Row::ByMonth));
        assert_eq!(given_up(90_000, "2026-09-01", "2026-12-01", "2030-01-01"), (0, Row::ByMonth));
    }

    #[test]
    fn a_longer_period_by_its_months() {
        // September, October and November: 30, 31 and 30 days of 91, at 1,000 won a day.
        for (now, amount, row) in [
            ("2026-08-31", 91_000, Row::BeforeStart),
            // Two thirds of 30,000, and 61,000.
            ("2026-09-01", 81_000, Row::ByMonth),
            ("2026-09-11", 81_000, Row::ByMonth),
            ("2026-09-12", 76_000, Row::ByMonth),
            ("2026-09-17", 61_000, Row::ByMonth),
            // Two thirds of 31,000, and 30,000.
            ("2026-10-01", 50_667, Row::ByMonth),
            ("2026-10-16", 45_500, Row::ByMonth),
            ("2026-10-17", 30_000, Row::ByMonth),
            ("2026-11-01", 20_000, Row::ByMonth),
            ("2026-11-30", 0, Row::ByMonth),
        ] {
            assert_eq!(given_up(91_000, "2026-09-01", "2026-12-01", now), (amount, row), "{now}");
        }
    }

    #[test]
    fn a_last_month_may_be_short() {
        // 31 days and 15: the last is judged by its own third and half.
        let left = |now| given_up(46_000, "2026-10-01", "2026-11-16", now).0;
        assert_eq!(
            [left("2026-11-06"), left("2026-11-07"), left("2026-11-08"), left("2026-11-09")],
            [10_000, 7_500, 7_500, 0]
        );
    }

    #[test]
    fn months_are_koreas_and_end_with_short_ones() {
        // From 31 January to 28 February is one month, a day more is longer.
        assert_eq!(given_up(30_000, "2027-01-31", "2027-02-28", "2027-01-31").1, Row::FirstThird);
        assert_eq!(given_up(30_000, "2027-01-31", "2027-03-01", "2027-01-31").1, Row::ByMonth);
        // One in Korea, though not in UTC, where it begins in February and ends in March.
        assert_eq!(given_up(30_000, "2027-03-01", "2027-04-01", "2027-03-01").1, Row::FirstThird);
    }

    #[test]
    fn at_a_distance_what_was_not_used() {
        for (used, whole, amount) in
            [(0, 3_600, 100_000), (1, 3_600, 99_973), (1_200, 3_600, 66_667), (3_600, 3_600, 0), (4_000, 3_600, 0)]
        {
            let expected = Statutory { amount: won(amount), row: Row::Unused };
            assert_eq!(refund(won(100_000), Teaching::Distance { used, whole }), expected, "{used}");
        }
        assert_eq!(refund(won(100_000), Teaching::Distance { used: 0, whole: 0 }).amount.get(), 100_000);
    }

    proptest! {
        #[test]
        fn never_more_than_the_price_and_ever_less(
            price in 0_i64..=100_000_000, days in 1_i64..800, first in 0_i64..800, then in 0_i64..800,
        ) {
            let starts_at = at("2026-09-01");
            let left = |days_in: i64| {
                let (ends_at, given_up_at) = (starts_at.plus_seconds(days * 86_400), starts_at.plus_seconds(days_in * 86_400 - 1));
                refund(won(price), Teaching::Period { starts_at, ends_at, given_up_at }).amount.get()
            };
            prop_assert!((0..=price).contains(&left(first)));
            prop_assert!(left(first.max(then)) <= left(first.min(then)));
            prop_assert_eq!((left(0), left(days + 1)), (price, 0));
        }
    }
}
