//! What this domain decides from values alone.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use domain::validation::{self, Invalid};
use utoipa::openapi::{RefOr, Schema};

/// How many people may join a party, beside its author: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity(u32);

impl Capacity {
    const MAX: u32 = 100;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Capacity {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, |number| match u32::try_from(number) {
            Ok(places @ 1..=Self::MAX) => Ok(Self(places)),
            _ => Err(Invalid::range(1, i64::from(Self::MAX))),
        })
    }
}

impl utoipa::PartialSchema for Capacity {
    fn schema() -> RefOr<Schema> {
        validation::whole_number_schema(1, i64::from(Self::MAX)).into()
    }
}

impl utoipa::ToSchema for Capacity {
    fn name() -> std::borrow::Cow<'static, str> {
        "Capacity".into()
    }
}

#[cfg(test)]
mod tests {
    use domain::validation::FieldErrors;

    use super::*;

    #[test]
    fn a_party_has_1_to_100_places() {
        let read =
            |number: i64| deserr::deserialize::<Capacity, _, FieldErrors>(serde_json::json!(number)).map(Capacity::get);
        assert_eq!([1, 100].map(read), [Ok(1), Ok(100)]);
        for bad in [0, -1, 101, i64::MAX] {
            assert_eq!(read(bad).unwrap_err().0[0].invalid.code, "RANGE", "{bad}");
        }
    }
}
