//! Markdown.

use std::str::FromStr;

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

use super::{measure, text_of};
use crate::validation::{self, Invalid};

/// Markdown of `MIN` to `MAX` characters, exactly as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Markdown<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Markdown<MIN, MAX> {
    /// The source.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Default for Markdown<0, MAX> {
    fn default() -> Self {
        Self(String::new())
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Markdown<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        measure(text, MIN, MAX)?;
        Ok(Self(text.to_owned()))
    }
}

impl<const MIN: usize, const MAX: usize> From<Markdown<MIN, MAX>> for String {
    fn from(markdown: Markdown<MIN, MAX>) -> Self {
        markdown.0
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Markdown<MIN, MAX> {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl<E, const MIN: usize, const MAX: usize> Deserr<E> for Markdown<MIN, MAX>
where
    E: DeserializeError + MergeWithError<Invalid>,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<const MIN: usize, const MAX: usize> utoipa::PartialSchema for Markdown<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        text_of(MIN, MAX).description(Some("Markdown source, stored as sent")).into()
    }
}

impl<const MIN: usize, const MAX: usize> utoipa::ToSchema for Markdown<MIN, MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("Markdown{MIN}To{MAX}").into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn markdown_stays_as_sent(text in any::<String>()) {
            if let Ok(markdown) = text.parse::<Markdown<0, 64>>() {
                prop_assert_eq!(markdown.as_str(), text);
            }
        }
    }
}
