//! Tags.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Sequence, Value, ValueKind, ValuePointerRef};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::{ArrayBuilder, RefOr, Schema};

use super::{Line, text_of};
use crate::validation::Invalid;

type Tag = Line<1, 30>;

/// Up to five words that a post is found by: in lower case, normalised, trimmed, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<Tag>);

impl Tags {
    const MOST: usize = 5;

    /// The tags as texts, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Line::as_str)
    }

    /// Adds a tag unless it is there; false if that would be one too many.
    fn add(&mut self, tag: Tag) -> bool {
        if self.0.contains(&tag) {
            return true;
        }
        let fits = self.0.len() < Self::MOST;
        if fits {
            self.0.push(tag);
        }
        fits
    }
}

/// One tag. Composed first: letters whose parts have no lower case apart have one together.
fn tag(text: &str) -> Result<Tag, Invalid> {
    let lower = text.parse::<Line<1, { 3 * 30 }>>().map_err(|error| match error.code {
        "LENGTH" => Invalid::length(1, 30),
        _ => error,
    })?;
    lower.as_str().to_lowercase().nfc().collect::<String>().parse()
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Tags {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        let Value::Sequence(words) = value else {
            let error = deserr::ErrorKind::IncorrectValueKind { actual: value, accepted: &[ValueKind::Sequence] };
            return Err(deserr::take_cf_content(E::error::<V>(None, error, location)));
        };
        let mut tags = Self::default();
        for (index, word) in words.into_iter().enumerate() {
            let found = crate::validation::from_text(word.into_value(), location.push_index(index), tag)?;
            if !tags.add(found) {
                let too_many = Invalid::new("TOO_MANY", "태그는 5개까지 쓸 수 있습니다.", "must have at most 5 tags");
                return Err(deserr::take_cf_content(E::merge(None, too_many, location)));
            }
        }
        Ok(tags)
    }
}

impl utoipa::PartialSchema for Tags {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(text_of(1, 30))
            .max_items(Some(Self::MOST))
            .description(Some("In lower case, each once"))
            .into()
    }
}

impl utoipa::ToSchema for Tags {
    fn name() -> std::borrow::Cow<'static, str> {
        "Tags".into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::validation::FieldErrors;

    fn read(words: &serde_json::Value) -> Result<Tags, Vec<(String, &'static str)>> {
        deserr::deserialize::<Tags, _, FieldErrors>(words.clone())
            .map_err(|errors| errors.0.into_iter().map(|error| (error.field, error.invalid.code)).collect())
    }

    #[test]
    fn tags_are_lower_case_composed_trimmed_and_distinct() {
        let words = json!(["  Rust ", "RUST", "\u{1112}\u{1161}\u{11ab}글", "한글", "ÀB", "a\u{300}b"]);
        assert_eq!(read(&words).unwrap().iter().collect::<Vec<_>>(), ["rust", "한글", "àb"]);
    }

    #[test]
    fn what_is_no_list_of_five_short_words_is_refused() {
        let long = "가".repeat(31);
        for (words, field, code) in [
            (json!("rust"), "", "WRONG_TYPE"),
            (json!([5]), "[0]", "WRONG_TYPE"),
            (json!(["rust", "  "]), "[1]", "LENGTH"),
            (json!([long]), "[0]", "LENGTH"),
            (json!(["a".repeat(10_000)]), "[0]", "LENGTH"),
            (json!(["a\nb"]), "[0]", "CONTROL_CHARACTER"),
            (json!(["a", "b", "c", "d", "e", "f"]), "", "TOO_MANY"),
        ] {
            assert_eq!(read(&words).unwrap_err(), [(field.to_owned(), code)], "{words}");
        }
        assert_eq!(read(&json!(["a", "b", "c", "d", "e", "A", "e"])).unwrap().iter().count(), 5);
        assert_eq!(read(&json!([])), Ok(Tags::default()));
    }

    #[test]
    fn a_tag_is_as_long_as_it_is_in_the_end() {
        // Two characters whose lower case is one.
        assert_eq!(read(&json!(["J\u{30c}".repeat(30)])).unwrap().iter().collect::<Vec<_>>(), ["ǰ".repeat(30)]);
        for long in ["가".repeat(31), "가".repeat(91)] {
            assert_eq!(tag(&long).unwrap_err(), Invalid::length(1, 30), "{long}");
        }
    }

    proptest! {
        #[test]
        fn normalised_tags_stay_as_they_are(words in prop::collection::vec("\\PC{1,32}", 0..8)) {
            if let Ok(tags) = read(&json!(words)) {
                prop_assert!(tags.iter().count() <= 5);
                prop_assert!(tags.iter().all(|tag| (1..=30).contains(&tag.chars().count()) && tag.trim() == tag));
                prop_assert!(tags.iter().all(|tag| tag.nfc().eq(tag.chars())));
                prop_assert_eq!(read(&json!(tags)), Ok(tags.clone()));
                let back: Tags = serde_json::from_value(json!(tags)).unwrap();
                prop_assert_eq!(back, tags);
            }
        }

        #[test]
        fn case_form_and_blanks_around_make_no_other_tag(word in "[a-zA-Z가-힣éÅ]{1,10}") {
            let decomposed: String = word.nfd().collect();
            let variants = json!([word, word.to_uppercase().to_lowercase(), format!("  {word}\u{3000}"), decomposed]);
            prop_assert_eq!(read(&variants).unwrap().iter().count(), 1);
        }
    }
}
