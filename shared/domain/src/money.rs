//! Money: whole won.

use std::{fmt, iter::Sum};

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};

use crate::validation::{self, Invalid};

/// An amount of Korean won: a whole number, at least 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Won(i64);

impl Won {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);
    /// The largest amount that one number may name.
    pub const MAX: i64 = 1_000_000_000_000;

    /// `Some` if `amount` is in `0..=`[`Won::MAX`].
    pub fn new(amount: i64) -> Option<Self> {
        (0..=Self::MAX).contains(&amount).then_some(Self(amount))
    }

    /// The number of won.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Sum for Won {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |total, amount| total.saturating_add(amount.0)))
    }
}

impl fmt::Display for Won {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}원", self.0)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Won {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, |n| Self::new(n).ok_or_else(|| Invalid::range(0, Self::MAX)))
    }
}

impl utoipa::PartialSchema for Won {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        validation::whole_number_schema(0, Self::MAX).into()
    }
}

impl utoipa::ToSchema for Won {
    fn name() -> std::borrow::Cow<'static, str> {
        "Won".into()
    }
}

/// What a product costs: nothing, or 1,000 to 100,000,000 won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(Won);

impl Price {
    const LOWEST: i64 = 1_000;
    const HIGHEST: i64 = 100_000_000;

    /// A price, or why `amount` is none.
    pub fn new(amount: i64) -> Result<Self, Invalid> {
        if amount == 0 || (Self::LOWEST..=Self::HIGHEST).contains(&amount) {
            return Ok(Self(Won(amount)));
        }
        Err(Invalid::new(
            "PRICE",
            "가격은 0원이거나 1,000원 이상 100,000,000원 이하여야 합니다.",
            "must be 0 or 1,000 to 100,000,000 won",
        ))
    }

    /// The amount to pay for one.
    pub fn won(self) -> Won {
        self.0
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Price {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, Self::new)
    }
}

impl utoipa::PartialSchema for Price {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        validation::whole_number_schema(0, Self::HIGHEST).description(Some("KRW: 0, or 1,000 to 100,000,000")).into()
    }
}

impl utoipa::ToSchema for Price {
    fn name() -> std::borrow::Cow<'static, str> {
        "Price".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::FieldErrors;

    #[test]
    fn prices_are_zero_or_in_their_range() {
        for (amount, good) in
            [(0, true), (1, false), (999, false), (1_000, true), (100_000_000, true), (100_000_001, false), (-1, false)]
        {
            assert_eq!(Price::new(amount).is_ok(), good, "{amount}");
        }
    }

    #[test]
    fn amounts_are_as_the_contract_says() {
        use utoipa::PartialSchema;
        let of = |schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>| {
            let schema = serde_json::json!(schema);
            (schema["type"].clone(), schema["minimum"].as_i64(), schema["maximum"].as_i64())
        };
        let (whole, won, price) = (serde_json::json!("integer"), of(Won::schema()), of(Price::schema()));
        assert_eq!(won, (whole.clone(), Some(0), Some(Won::MAX)));
        assert!(Won::new(Won::MAX).is_some() && Won::new(Won::MAX + 1).is_none());
        assert_eq!(price, (whole, Some(0), Some(Price::HIGHEST)));
    }

    #[test]
    fn amounts_are_read_within_their_ranges_and_shown_in_won() {
        let won = |amount: i64| deserr::deserialize::<Won, _, FieldErrors>(serde_json::json!(amount));
        let price = |amount: i64| deserr::deserialize::<Price, _, FieldErrors>(serde_json::json!(amount));
        assert_eq!(won(50_000).unwrap().to_string(), "50000원");
        assert_eq!(price(50_000).unwrap().won(), won(50_000).unwrap());
        assert!(won(-1).is_err() && price(999).is_err());
    }
}
