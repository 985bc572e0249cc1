//! Instants with millisecond precision.

use std::{fmt, str::FromStr};

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use jiff::{SignedDuration, Span, Timestamp, civil::DateTime, tz::Offset};
use serde::{Deserialize, Serialize};

use crate::validation::Invalid;

/// Korea has no summer time, so its offset is all that is needed of a time zone.
const KOREA: Offset = Offset::constant(9);

/// An instant, UTC, in whole milliseconds.
///
/// Written as RFC 3339 with exactly three fractional digits, so that the text sorts as the
/// instants do: the table compares it as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Time(Timestamp);

impl Time {
    /// The instant `millis` after the Unix epoch, kept within the years 0001 to 9999.
    pub fn from_unix_millis(millis: i64) -> Self {
        const EARLIEST: i64 = -62_135_596_800_000;
        const LATEST: i64 = 253_402_207_200_000;
        Self(Timestamp::from_millisecond(millis.clamp(EARLIEST, LATEST)).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since the Unix epoch: what a `ttl` attribute and a token's `exp` hold.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This instant `seconds` later (or earlier, if negative).
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_add(seconds.saturating_mul(1_000)))
    }

    /// Whole seconds from `self` until `later`, rounded up, 0 if it has passed: a `Retry-After`.
    pub fn seconds_until(self, later: Self) -> u32 {
        let millis = later.unix_millis().saturating_sub(self.unix_millis()).max(0);
        u32::try_from(millis.saturating_add(999) / 1_000).unwrap_or(u32::MAX)
    }

    /// The day in Korea, such as `2026-11-24`: what receipts, settlements and the ledger go by.
    pub fn korean_date(self) -> String {
        self.korean().date().to_string()
    }

    /// What clocks in Korea show.
    pub fn korean(self) -> DateTime {
        KOREA.to_datetime(self.0)
    }

    /// When clocks in Korea show `shown`.
    pub(crate) fn of_korean(shown: DateTime) -> Self {
        let instant = KOREA.to_timestamp(shown);
        Self::from_unix_millis(instant.map_or(i64::MAX, Timestamp::as_millisecond))
    }

    /// The same time of day in Korea `months` later; on the last day of a month that has no such day.
    #[must_use]
    pub fn plus_korean_months(self, months: u32) -> Self {
        let months = i32::try_from(months).ok().and_then(|months| Span::new().try_months(months).ok());
        let later = months.and_then(|months| self.korean().checked_add(months).ok());
        later.map_or(Self::from_unix_millis(i64::MAX), Self::of_korean)
    }

    /// How long it is from `earlier` until `self`; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Time {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let instant: Timestamp = text.parse().map_err(|_not_a_time| Invalid::NOT_A_TIME)?;
        // Only the years that four digits can write: others would not sort as text.
        let earliest = Self::from_unix_millis(i64::MIN).unix_millis();
        let latest = Self::from_unix_millis(i64::MAX).unix_millis();
        let millis = instant.as_millisecond();
        if (earliest..=latest).contains(&millis) {
            Ok(Self::from_unix_millis(millis))
        } else {
            Err(Invalid::NOT_A_TIME)
        }
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Time {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Time {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        crate::validation::from_text(value, location, str::parse)
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::validation::text_schema().format(Some(crate::validation::format("date-time"))).into()
    }
}

impl utoipa::ToSchema for Time {
    fn name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_sorts_as_the_instants_do() {
        let texts: Vec<String> =
            [-1, 0, 999, 1_000, 1_001, i64::MAX].map(|m| Time::from_unix_millis(m).to_string()).into();
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn an_offset_is_taken_and_nanoseconds_are_dropped() {
        let time: Time = "2026-11-23T09:00:00.123456789+09:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-23T00:00:00.123Z");
    }

    #[test]
    fn years_that_would_not_sort_are_refused() {
        assert!("-000001-01-01T00:00:00Z".parse::<Time>().is_err());
        assert!("2026-11-23".parse::<Time>().is_err());
    }

    #[test]
    fn a_korean_day_begins_nine_hours_before_that_of_utc() {
        let day = |text: &str| text.parse::<Time>().unwrap().korean_date();
        assert_eq!(day("2026-11-30T14:59:59.999Z"), "2026-11-30");
        assert_eq!(day("2026-11-30T15:00:00Z"), "2026-12-01");
    }

    #[test]
    fn spans_and_seconds_are_signed() {
        let (earlier, later) = (Time::from_unix_millis(-1_500), Time::from_unix_millis(2_500));
        assert_eq!((earlier.unix_seconds(), later.unix_seconds()), (-1, 2));
        assert_eq!(later.since(earlier), SignedDuration::from_secs(4));
        assert_eq!(earlier.since(later), SignedDuration::from_secs(-4));
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let time = Time::from_unix_millis(1_764_000_000_123);
        let stored = serde_json::json!(time);
        assert_eq!(stored, time.to_string());
        assert_eq!(serde_json::from_value::<Time>(stored).unwrap(), time);
    }

    #[test]
    fn retry_after_rounds_up_and_never_below_zero() {
        let now = Time::from_unix_millis(0);
        assert_eq!(now.seconds_until(Time::from_unix_millis(1)), 1);
        assert_eq!(Time::from_unix_millis(5_000).seconds_until(now), 0);
    }
}
