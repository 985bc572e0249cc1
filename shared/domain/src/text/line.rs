//! One-line fields.

use std::str::FromStr;

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

use super::{measure, one_line, text_of};
use crate::validation::{self, Invalid};

/// One line of `MIN` to `MAX` characters, normalised and trimmed, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Line<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Line<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Line<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Normalising can only be afforded for what might fit: NFC at most triples a text.
        if text.len() > MAX.saturating_mul(12).saturating_add(1_024) {
            return Err(Invalid::length(MIN, MAX));
        }
        let line = one_line(text);
        measure(&line, MIN, MAX)?;
        if line.chars().any(char::is_control) {
            return Err(Invalid::new(
                "CONTROL_CHARACTER",
                "줄바꿈이나 제어 문자를 쓸 수 없습니다.",
                "must be one line without control characters",
            ));
        }
        Ok(Self(line))
    }
}

impl<const MIN: usize, const MAX: usize> From<Line<MIN, MAX>> for String {
    fn from(line: Line<MIN, MAX>) -> Self {
        line.0
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Line<MIN, MAX> {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl<E, const MIN: usize, const MAX: usize> Deserr<E> for Line<MIN, MAX>
where
    E: DeserializeError + MergeWithError<Invalid>,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<const MIN: usize, const MAX: usize> utoipa::PartialSchema for Line<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        text_of(MIN, MAX).into()
    }
}

impl<const MIN: usize, const MAX: usize> utoipa::ToSchema for Line<MIN, MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("Line{MIN}To{MAX}").into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{Title, Username};

    #[test]
    fn decomposed_hangul_is_one_name_with_its_composed_form() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";
        assert_eq!(decomposed.parse::<Username>().unwrap().as_str(), "한글");
    }

    #[test]
    fn a_line_breaks_nowhere() {
        assert!("a\nb".parse::<Title>().is_err());
        assert!("a\u{0}b".parse::<Title>().is_err());
        assert_eq!("  a  ".parse::<Title>().unwrap().as_str(), "a");
    }

    #[test]
    fn what_is_too_long_to_normalise_is_refused_unread() {
        let padded = |bytes: usize| format!("{:bytes$}", "a").parse::<Title>();
        let most = 12 * 255 + 1_024;
        assert!(padded(most).is_ok());
        assert!([most + 1, most + 2].map(padded).iter().all(Result::is_err));
    }

    proptest! {
        #[test]
        fn lengths_count_scalar_values(text in "\\PC{0,300}") {
            let normal: String = one_line(&text);
            prop_assert_eq!(text.parse::<Title>().is_ok(), (1..=255).contains(&normal.chars().count()));
        }

        #[test]
        fn a_parsed_line_parses_to_itself(text in "\\PC{1,40}") {
            if let Ok(line) = text.parse::<Title>() {
                prop_assert_eq!(line.as_str().parse::<Title>().unwrap(), line);
            }
        }
    }
}
