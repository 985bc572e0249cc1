//! Days and months in Korea, by which receipts, settlements and the ledger go.

use std::{fmt, str::FromStr};

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use jiff::civil::Date;
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    time::Time,
    validation::{self, Invalid},
};

/// A day in Korea, written as `2026-11-24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

/// A month in Korea, written as `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Day {
    const INVALID: Invalid =
        Invalid::new("NOT_A_DAY", "YYYY-MM-DD 형식의 날짜여야 합니다.", "must be a date such as 2026-11-24");

    /// The day in which an instant lies.
    pub fn of(time: Time) -> Self {
        Self(time.korean().date())
    }
}

impl Month {
    const INVALID: Invalid =
        Invalid::new("NOT_A_MONTH", "YYYY-MM 형식의 월이어야 합니다.", "must be a month such as 2026-11");

    /// The month in which an instant lies.
    pub fn of(time: Time) -> Self {
        Self(time.korean().date().first_of_month())
    }

    /// Its first instant.
    pub fn start(self) -> Time {
        Time::of_korean(self.0.to_datetime(jiff::civil::Time::midnight()))
    }

    /// The month `months` later, or earlier, if negative.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let months = jiff::Span::new().try_months(months).unwrap_or_default();
        Self(self.0.checked_add(months).unwrap_or(self.0))
    }

    /// This one and those after it, up to and including `last`.
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> {
        (0..).map(move |months| self.plus(months)).take_while(move |month| *month <= last)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// Reads only what would be written, in the years that four digits can write.
fn parse<T: fmt::Display>(text: &str, day: &str, of: impl FnOnce(Date) -> T) -> Option<T> {
    let date: Date = format!("{text}{day}").parse().ok()?;
    let parsed = of(date);
    ((1..=9_998).contains(&date.year()) && parsed.to_string() == text).then_some(parsed)
}

impl FromStr for Day {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text, "", Self).ok_or(Self::INVALID)
    }
}

impl FromStr for Month {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text, "-01", Self).ok_or(Self::INVALID)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Day {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Month {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        validation::text_schema().format(Some(validation::format("date"))).description(Some("A day in Korea")).into()
    }
}

impl ToSchema for Day {
    fn name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }
}

impl PartialSchema for Month {
    fn schema() -> RefOr<Schema> {
        validation::text_schema().pattern(Some(r"^\d{4}-\d{2}$")).description(Some("A month in Korea")).into()
    }
}

impl ToSchema for Month {
    fn name() -> std::borrow::Cow<'static, str> {
        "Month".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_koreas_midnight() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!(month.start().to_string(), "2026-11-30T15:00:00.000Z");
        assert_eq!(Month::of(month.start()), month);
        assert_eq!(Month::of(Time::from_unix_millis(month.start().unix_millis() - 1)), month.plus(-1));
        assert_eq!(Day::of(month.start()).to_string(), "2026-12-01");
    }

    #[test]
    fn months_go_on_over_the_year() {
        let months: Vec<String> = "2026-11"
            .parse::<Month>()
            .unwrap()
            .through("2027-02".parse().unwrap())
            .map(|month| month.to_string())
            .collect();
        assert_eq!(months, ["2026-11", "2026-12", "2027-01", "2027-02"]);
        assert_eq!("2026-11".parse::<Month>().unwrap().through("2026-10".parse().unwrap()).count(), 0);
    }

    #[test]
    fn only_the_written_form_is_read() {
        for text in ["2026-1", "2026-13", "2026-00", "202611", "2026-11-24", "+2026-11", "", "2026-11 "] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        for text in ["2026-11", "2026-02-29", "20261124", "2026-11-24T00:00:00Z", "-02026-11-24", "9999-12-31"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!("2028-02-29".parse::<Day>().unwrap().to_string(), "2028-02-29");
    }
}
