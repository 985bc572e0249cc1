//! What is wrong with a request's fields: all of them, not only the first.

use std::{borrow::Cow, convert::Infallible, fmt, ops::ControlFlow};

use deserr::{
    DeserializeError, ErrorKind, IntoValue, MergeWithError, Value, ValueKind, ValuePointerRef, take_cf_content,
};
use utoipa::openapi::{ObjectBuilder, SchemaFormat, schema::Type};

/// Why one value is not acceptable, in a stable code and in both languages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct Invalid {
    /// Stable, upper snake case.
    pub code: &'static str,
    /// For people who read Korean.
    pub ko: Cow<'static, str>,
    /// For people who read English.
    pub en: Cow<'static, str>,
}

impl Invalid {
    /// Not an RFC 3339 instant.
    pub const NOT_A_TIME: Self =
        Self::new("NOT_A_TIME", "RFC 3339 형식의 시각이어야 합니다.", "must be an RFC 3339 date and time");
    /// Not a ULID.
    pub const NOT_AN_ID: Self = Self::new("NOT_AN_ID", "올바른 식별자가 아닙니다.", "must be a valid id");
    /// Not one of the words of its list.
    pub const NOT_A_CHOICE: Self =
        Self::new("NOT_A_CHOICE", "허용된 값이 아닙니다.", "is not one of the allowed values");

    /// A reason with fixed texts.
    pub const fn new(code: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self { code, ko: Cow::Borrowed(ko), en: Cow::Borrowed(en) }
    }

    /// A text of a length outside of `min..=max` Unicode scalar values.
    pub fn length(min: usize, max: usize) -> Self {
        Self {
            code: "LENGTH",
            ko: format!("{min}자 이상 {max}자 이하여야 합니다.").into(),
            en: format!("must have {min} to {max} characters").into(),
        }
    }

    /// A number outside of `min..=max`.
    pub fn range(min: i64, max: i64) -> Self {
        Self {
            code: "RANGE",
            ko: format!("{min} 이상 {max} 이하의 정수여야 합니다.").into(),
            en: format!("must be a whole number from {min} to {max}").into(),
        }
    }
}

/// One field and why it was refused. `field` is a path such as `lines[0].productId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field in the body or the query.
    pub field: String,
    /// Why.
    pub invalid: Invalid,
}

/// Every field that was refused; never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// One refused field.
    pub fn one(field: impl Into<String>, invalid: Invalid) -> Self {
        Self(vec![FieldError { field: field.into(), invalid }])
    }

    /// `Err` if any of the checks failed: for rules that look at several fields together.
    pub fn unless(checks: impl IntoIterator<Item = (bool, &'static str, Invalid)>) -> Result<(), Self> {
        let failed: Vec<_> = checks
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, field, invalid)| FieldError { field: field.to_owned(), invalid })
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(Self(failed)) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.0.iter().map(|error| format!("{} {}", error.field, error.invalid.code)).collect();
        f.write_str(&fields.join(", "))
    }
}

impl std::error::Error for FieldErrors {}

fn path(location: ValuePointerRef) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => match path(*prev).as_str() {
            "" => key.to_owned(),
            prefix => format!("{prefix}.{key}"),
        },
        ValuePointerRef::Index { index, prev } => format!("{}[{index}]", path(*prev)),
    }
}

impl MergeWithError<Self> for FieldErrors {
    fn merge(kept: Option<Self>, other: Self, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut errors = kept.unwrap_or_default();
        errors.0.extend(other.0);
        ControlFlow::Continue(errors)
    }
}

impl MergeWithError<Invalid> for FieldErrors {
    fn merge(kept: Option<Self>, other: Invalid, location: ValuePointerRef) -> ControlFlow<Self, Self> {
        Self::merge(kept, Self::one(path(location), other), location)
    }
}

impl MergeWithError<Infallible> for FieldErrors {
    fn merge(_: Option<Self>, other: Infallible, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        match other {}
    }
}

impl DeserializeError for FieldErrors {
    fn error<V: IntoValue>(
        kept: Option<Self>,
        error: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let at = |key: &str| path(location.push_key(key));
        let (field, invalid) = match error {
            ErrorKind::MissingField { field } => {
                (at(field), Invalid::new("REQUIRED", "필수 항목입니다.", "is required"))
            }
            ErrorKind::UnknownKey { key, .. } => {
                (at(key), Invalid::new("UNKNOWN_FIELD", "알 수 없는 항목입니다.", "is not a known field"))
            }
            ErrorKind::UnknownValue { .. } => (path(location), Invalid::NOT_A_CHOICE),
            ErrorKind::IncorrectValueKind { .. } | ErrorKind::BadSequenceLen { .. } | ErrorKind::Unexpected { .. } => {
                (path(location), Invalid::new("WRONG_TYPE", "값의 형식이 올바르지 않습니다.", "has the wrong type"))
            }
        };
        Self::merge(kept, Self::one(field, invalid), location)
    }
}

/// Reads a JSON string and parses it: what every text type's `Deserr` does.
pub fn from_text<T, E, V>(
    value: Value<V>,
    location: ValuePointerRef,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
) -> Result<T, E>
where
    V: IntoValue,
    E: DeserializeError + MergeWithError<Invalid>,
{
    match value {
        Value::String(text) => parse(&text).map_err(|invalid| take_cf_content(E::merge(None, invalid, location))),
        actual => {
            let error = ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::String] };
            Err(take_cf_content(E::error::<V>(None, error, location)))
        }
    }
}

/// Reads a whole number from 0 and checks it.
pub fn from_whole_number<T, E, V>(
    value: Value<V>,
    location: ValuePointerRef,
    parse: impl FnOnce(i64) -> Result<T, Invalid>,
) -> Result<T, E>
where
    V: IntoValue,
    E: DeserializeError + MergeWithError<Invalid>,
{
    let whole = match value {
        Value::Integer(number) => i64::try_from(number).map_err(|_too_large| Invalid::range(0, i64::MAX)),
        Value::NegativeInteger(number) => Ok(number),
        actual => {
            let error = ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::Integer] };
            return Err(take_cf_content(E::error::<V>(None, error, location)));
        }
    };
    whole.and_then(parse).map_err(|invalid| take_cf_content(E::merge(None, invalid, location)))
}

/// The schema of a text, to be narrowed.
pub fn text_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The schema of a whole number from `min` to `max`.
pub fn whole_number_schema(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int64)))
        .minimum(Some(min))
        .maximum(Some(max))
}

/// A named string format of JSON Schema.
pub fn format(name: &str) -> SchemaFormat {
    SchemaFormat::Custom(name.to_owned())
}

#[cfg(test)]
mod tests {
    use deserr::Deserr;

    use super::*;
    use crate::text::Title;

    #[derive(Debug, Deserr)]
    #[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Sample {
        title: Title,
        other_title: Title,
        third: Option<Title>,
    }

    #[test]
    fn every_failed_check_is_told() {
        let checks = |holds: [bool; 2]| {
            FieldErrors::unless([(holds[0], "from", Invalid::NOT_A_TIME), (holds[1], "to", Invalid::range(1, 2))])
        };
        assert_eq!(checks([true, true]), Ok(()));
        assert_eq!(checks([false, false]).unwrap_err().to_string(), "from NOT_A_TIME, to RANGE");
        assert_eq!(checks([true, false]), Err(FieldErrors::one("to", Invalid::range(1, 2))));
    }

    #[test]
    fn every_bad_field_is_named() {
        let body = serde_json::json!({ "title": 5, "third": "", "role": "ADMIN" });
        let errors = deserr::deserialize::<Sample, _, FieldErrors>(body).unwrap_err();
        let mut found: Vec<_> = errors.0.iter().map(|e| (e.field.as_str(), e.invalid.code)).collect();
        found.sort_unstable();
        let expected =
            [("otherTitle", "REQUIRED"), ("role", "UNKNOWN_FIELD"), ("third", "LENGTH"), ("title", "WRONG_TYPE")];
        assert_eq!(found, expected);
    }
}
