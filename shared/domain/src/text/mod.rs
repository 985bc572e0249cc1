//! Text that people write: one-line fields, Markdown and the few texts with a form of their own.
//!
//! Lengths count Unicode scalar values. One-line fields are NFC-normalised and trimmed before
//! they are measured; Markdown and passwords stay as sent.

use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::ObjectBuilder;

use crate::validation::{self, Invalid};

/// How a text with a form of its own comes in a request, and what the contract says of it.
macro_rules! sent {
    ($name:ident, $schema:expr) => {
        impl<E> deserr::Deserr<E> for $name
        where
            E: deserr::DeserializeError + deserr::MergeWithError<crate::validation::Invalid>,
        {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef,
            ) -> Result<Self, E> {
                crate::validation::from_text(value, location, str::parse)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema.into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

mod bank_code;
mod email;
mod file_name;
mod line;
mod markdown;
mod secrets;
mod tags;
mod web_url;

pub use bank_code::BankCode;
pub use email::Email;
pub use file_name::FileName;
pub use line::Line;
pub use markdown::Markdown;
pub use secrets::{AccountNumber, Password};
pub use tags::Tags;
pub use web_url::WebUrl;

/// What a person is called on the platform; not unique.
pub type Username = Line<2, 30>;
/// A person's name as on a bank account.
pub type RealName = Line<1, 50>;
/// Whose a bank account is, as the bank writes it.
pub type HolderName = Line<1, 60>;
/// The title of a PWT.
pub type Title = Line<1, 255>;
/// The title of a todo.
pub type TodoTitle = Line<1, 100>;
/// Why an operator or a user did something.
pub type Reason = Line<1, 200>;
/// A description of a product.
pub type Description = Markdown<1, 20_000>;
/// The content of a todo, possibly empty.
pub type TodoContent = Markdown<0, 5_000>;

/// The title of a post on a board.
pub type PostTitle = Line<1, 100>;
/// The text of a post on a board.
pub type PostContent = Markdown<1, 20_000>;
/// A comment.
pub type CommentContent = Markdown<1, 2_000>;
/// What somebody who wants to join a party writes to its author.
pub type ApplicationMessage = Markdown<1, 500>;

/// What somebody who withdrew is called.
pub const WITHDRAWN: &str = "탈퇴한 사용자";

fn measure(text: &str, min: usize, max: usize) -> Result<(), Invalid> {
    // Four bytes a scalar value: a longer text needs no counting.
    let fits = text.len() <= max.saturating_mul(4) && (min..=max).contains(&text.chars().count());
    if fits { Ok(()) } else { Err(Invalid::length(min, max)) }
}

fn one_line(text: &str) -> String {
    text.nfc().collect::<String>().trim().to_owned()
}

fn text_of(min: usize, max: usize) -> ObjectBuilder {
    validation::text_schema().min_length(Some(min)).max_length(Some(max))
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, str::FromStr};

    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    /// What the contract says of a type's length is what the type takes.
    fn is_as_told<T: FromStr + PartialSchema>(character: &str) {
        let schema = json!(T::schema());
        let told = |bound: &str| usize::try_from(schema[bound].as_u64().unwrap()).unwrap();
        let (min, max) = (told("minLength"), told("maxLength"));
        for length in [min.saturating_sub(1), min, max, max + 1] {
            let taken = character.repeat(length).parse::<T>().is_ok();
            assert_eq!(taken, (min..=max).contains(&length), "{length}: {schema}");
        }
        assert_eq!(schema["type"], "string");
    }

    #[test]
    fn texts_are_as_long_as_the_contract_says() {
        is_as_told::<Username>("김");
        is_as_told::<RealName>("김");
        is_as_told::<Title>("😀");
        is_as_told::<TodoTitle>("a");
        is_as_told::<Reason>("a");
        is_as_told::<Description>("😀");
        is_as_told::<TodoContent>("김");
        is_as_told::<Password>("김");
        is_as_told::<AccountNumber>("1");
        is_as_told::<BankCode>("1");
        is_as_told::<HolderName>("김");
        is_as_told::<FileName>("김");
    }

    #[test]
    fn texts_with_a_form_say_so_in_the_contract() {
        let of = |schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>, member: &str| json!(schema)[member].clone();
        assert_eq!(of(Email::schema(), "format"), "email");
        assert_eq!(of(WebUrl::schema(), "format"), "uri");
        assert_eq!(of(Password::schema(), "format"), "password");
        assert_eq!(of(AccountNumber::schema(), "pattern"), "^[0-9]{6,20}$");
    }

    fn is_stored_as<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + FromStr<Err = Invalid>>(text: &str) {
        let value: T = text.parse().unwrap();
        assert_eq!(json!(value), text);
        assert_eq!(serde_json::from_value::<T>(Value::from(text)).unwrap(), value);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        is_stored_as::<Title>("러스트로 만드는 서버리스");
        is_stored_as::<TodoContent>("# 할 일\n");
        is_stored_as::<Email>("kim@example.com");
        is_stored_as::<WebUrl>("https://github.com/kim");
        is_stored_as::<FileName>("사진.png");
    }
}
