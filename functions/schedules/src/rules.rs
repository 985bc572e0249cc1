//! How long a todo may be, and which part of a calendar is shown.

use domain::{
    time::Time,
    validation::{FieldErrors, Invalid},
};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The longest todo, and the widest range that is listed at once. The bound is what lets one
/// read of the calendar find everything that overlaps a range.
const LONGEST_SECONDS: i64 = 366 * DAY_SECONDS;

/// How much is listed unless a request says so.
const USUAL_SECONDS: i64 = 31 * DAY_SECONDS;

/// A todo ends no earlier than it begins and spans at most 366 days.
pub fn check_span(start: Time, end: Time) -> Result<(), FieldErrors> {
    check("end", start, end)
}

fn check(field: &'static str, first: Time, last: Time) -> Result<(), FieldErrors> {
    let backwards = Invalid::new("END_BEFORE_START", "시작보다 빠를 수 없습니다.", "must not be before the start");
    let too_long = Invalid::new("TOO_LONG", "기간은 366일을 넘을 수 없습니다.", "must be within 366 days of the start");
    FieldErrors::unless([
        (last >= first, field, backwards),
        (last <= first.plus_seconds(LONGEST_SECONDS), field, too_long),
    ])
}

/// A part of a calendar: from its first to its last instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first instant.
    pub from: Time,
    /// The last.
    pub to: Time,
}

impl Range {
    /// The range that a request asks for: a month from now, or a month at the end that it names.
    pub fn asked(from: Option<Time>, to: Option<Time>, now: Time) -> Result<Self, FieldErrors> {
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (None, Some(to)) => (to.plus_seconds(-USUAL_SECONDS), to),
            (from, None) => {
                let from = from.unwrap_or(now);
                (from, from.plus_seconds(USUAL_SECONDS))
            }
        };
        check("to", from, to)?;
        Ok(Self { from, to })
    }

    /// The earliest start of a todo that reaches into the range.
    pub fn earliest_start(self) -> Time {
        self.from.plus_seconds(-LONGEST_SECONDS)
    }

    /// Whether a todo of the range's calendar that ends at `end` reaches into it.
    pub fn is_reached_by(self, end: Time) -> bool {
        end >= self.from
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const YEAR_MILLIS: i64 = LONGEST_SECONDS * 1_000;

    fn at(millis: i64) -> Time {
        Time::from_unix_millis(NOW + millis)
    }

    fn codes(errors: Result<impl std::fmt::Debug, FieldErrors>) -> Vec<(String, &'static str)> {
        errors.unwrap_err().0.into_iter().map(|error| (error.field, error.invalid.code)).collect()
    }

    #[test]
    fn spans_are_in_seconds() {
        assert_eq!((LONGEST_SECONDS, USUAL_SECONDS), (31_622_400, 2_678_400));
    }

    #[test]
    fn a_todo_may_take_no_time_or_366_days() {
        assert_eq!(check_span(at(0), at(0)), Ok(()));
        assert_eq!(check_span(at(0), at(YEAR_MILLIS)), Ok(()));
        assert_eq!(codes(check_span(at(0), at(-1))), [("end".to_owned(), "END_BEFORE_START")]);
        assert_eq!(codes(check_span(at(0), at(YEAR_MILLIS + 1))), [("end".to_owned(), "TOO_LONG")]);
    }

    #[test]
    fn a_request_that_names_no_range_gets_a_month() {
        let month = USUAL_SECONDS * 1_000;
        assert_eq!(Range::asked(None, None, at(0)), Ok(Range { from: at(0), to: at(month) }));
        assert_eq!(Range::asked(Some(at(5)), None, at(0)), Ok(Range { from: at(5), to: at(5 + month) }));
        assert_eq!(Range::asked(None, Some(at(5)), at(0)), Ok(Range { from: at(5 - month), to: at(5) }));
        assert_eq!(codes(Range::asked(Some(at(1)), Some(at(0)), at(0))), [("to".to_owned(), "END_BEFORE_START")]);
        assert_eq!(codes(Range::asked(Some(at(0)), Some(at(YEAR_MILLIS + 1)), at(0))), [("to".to_owned(), "TOO_LONG")]);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_overlaps(
            start in -2 * YEAR_MILLIS..2 * YEAR_MILLIS, span in 0..=YEAR_MILLIS,
            from in -2 * YEAR_MILLIS..2 * YEAR_MILLIS, width in 0..=YEAR_MILLIS,
        ) {
            let (start, end) = (at(start), at(start + span));
            let range = Range::asked(Some(at(from)), Some(at(from + width)), at(0)).unwrap();
            let read = range.earliest_start() <= start && start <= range.to && range.is_reached_by(end);
            prop_assert_eq!(read, start <= range.to && end >= range.from);
        }
    }
}
