//! Text that people write: one-line fields, Markdown and the few texts with a form of their own.
//!
//! Lengths count Unicode scalar values. One-line fields are NFC-normalised and trimmed before
//! they are measured; Markdown and passwords stay as sent.

use std::{fmt, str::FromStr};

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use email_address::EmailAddress;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

use crate::validation::{self, Invalid};

fn measure(text: &str, min: usize, max: usize) -> Result<(), Invalid> {
    // Four bytes a scalar value: a longer text needs no counting.
    let fits = text.len() <= max.saturating_mul(4) && (min..=max).contains(&text.chars().count());
    if fits { Ok(()) } else { Err(Invalid::length(min, max)) }
}

fn one_line(text: &str) -> String {
    text.nfc().collect::<String>().trim().to_owned()
}

/// One line of `MIN` to `MAX` characters, normalised and trimmed, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Line<const MIN: usize, const MAX: usize>(String);

/// Markdown of `MIN` to `MAX` characters, exactly as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Markdown<const MIN: usize, const MAX: usize>(String);

/// What a person is called on the platform; not unique.
pub type Username = Line<2, 30>;
/// A person's name as on a bank account.
pub type RealName = Line<1, 50>;
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

impl<const MIN: usize, const MAX: usize> FromStr for Markdown<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        measure(text, MIN, MAX)?;
        Ok(Self(text.to_owned()))
    }
}

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

impl<E, const MIN: usize, const MAX: usize> Deserr<E> for Line<MIN, MAX>
where
    E: DeserializeError + MergeWithError<Invalid>,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
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

fn text_of(min: usize, max: usize) -> ObjectBuilder {
    validation::text_schema().min_length(Some(min)).max_length(Some(max))
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

/// An email address in lower case, so that equal addresses are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(String);

impl Email {
    const MAX: usize = 254;

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let options =
            email_address::Options::default().without_display_text().without_domain_literal().with_required_tld();
        let email = one_line(text).to_lowercase();
        if email.len() <= Self::MAX && EmailAddress::parse_with_options(&email, options).is_ok() {
            Ok(Self(email))
        } else {
            Err(Invalid::new("NOT_AN_EMAIL", "올바른 이메일 주소가 아닙니다.", "must be an email address"))
        }
    }
}

/// A password as typed: 8 to 128 characters. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    const LENGTH: (usize, usize) = (8, 128);

    /// The secret itself: for the hasher only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl FromStr for Password {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (min, max) = Self::LENGTH;
        measure(text, min, max)?;
        Ok(Self(text.to_owned()))
    }
}

/// A link to somebody's work, `http` or `https`, at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WebUrl(String);

impl FromStr for WebUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const MAX: usize = 2_048;
        let not_a_url = Invalid::new("NOT_A_URL", "http 또는 https 주소여야 합니다.", "must be an http or https URL");
        let text = text.trim();
        let url = url::Url::parse(text).map_err(|_not_a_url| not_a_url.clone())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        if plain && text.chars().count() <= MAX && url.as_str().len() <= MAX {
            Ok(Self(url.into()))
        } else {
            Err(not_a_url)
        }
    }
}

/// A bank account number: 6 to 20 digits. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountNumber(String);

impl AccountNumber {
    /// All digits: for the cipher only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four digits: all that is ever answered.
    pub fn last_four(&self) -> String {
        let digits: Vec<char> = self.0.chars().collect();
        digits.iter().skip(digits.len().saturating_sub(4)).collect()
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountNumber(…)")
    }
}

impl FromStr for AccountNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (6..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("NOT_AN_ACCOUNT_NUMBER", "계좌번호는 숫자 6~20자리여야 합니다.", "must have 6 to 20 digits"))
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.0
    }
}

impl TryFrom<String> for WebUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Email {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Password {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for WebUrl {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for AccountNumber {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_text(value, location, str::parse)
    }
}

impl utoipa::PartialSchema for Email {
    fn schema() -> RefOr<Schema> {
        text_of(3, Self::MAX).format(Some(validation::format("email"))).into()
    }
}

impl utoipa::ToSchema for Email {
    fn name() -> std::borrow::Cow<'static, str> {
        "Email".into()
    }
}

impl utoipa::PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        text_of(8, 128).format(Some(validation::format("password"))).into()
    }
}

impl utoipa::ToSchema for Password {
    fn name() -> std::borrow::Cow<'static, str> {
        "Password".into()
    }
}

impl utoipa::PartialSchema for WebUrl {
    fn schema() -> RefOr<Schema> {
        text_of(8, 2_048).format(Some(validation::format("uri"))).into()
    }
}

impl utoipa::ToSchema for WebUrl {
    fn name() -> std::borrow::Cow<'static, str> {
        "WebUrl".into()
    }
}

impl utoipa::PartialSchema for AccountNumber {
    fn schema() -> RefOr<Schema> {
        text_of(6, 20).pattern(Some("^[0-9]{6,20}$")).into()
    }
}

impl utoipa::ToSchema for AccountNumber {
    fn name() -> std::borrow::Cow<'static, str> {
        "AccountNumber".into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decomposed_hangul_is_one_name_with_its_composed_form() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";
        assert_eq!(decomposed.parse::<Username>(), "한글".parse());
    }

    #[test]
    fn a_line_breaks_nowhere() {
        assert!("a\nb".parse::<Title>().is_err());
        assert!("a\u{0}b".parse::<Title>().is_err());
        assert_eq!("  a  ".parse::<Title>().unwrap().as_str(), "a");
    }

    #[test]
    fn emails_are_compared_without_case() {
        assert_eq!("Kim@Example.COM".parse::<Email>(), "kim@example.com".parse());
        for bad in [
            "kim",
            "kim@",
            "@example.com",
            "Kim <kim@example.com>",
            "kim@example.com\r\nBcc: x@example.com",
            "a b@example.com",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn links_are_http_and_carry_no_password() {
        assert!("https://github.com/kim".parse::<WebUrl>().is_ok());
        for bad in
            ["javascript:alert(1)", "ftp://example.com", "https://kim:pw@example.com", "github.com/kim", "https://"]
        {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let password: Password = "canary-password".parse().unwrap();
        let account: AccountNumber = "123456789012".parse().unwrap();
        assert!(!format!("{password:?} {account:?}").contains("canary"));
        assert!(!format!("{account:?}").contains("9012"));
        assert_eq!(account.last_four(), "9012");
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

        #[test]
        fn markdown_stays_as_sent(text in any::<String>()) {
            if let Ok(markdown) = text.parse::<Markdown<0, 64>>() {
                prop_assert_eq!(markdown.as_str(), text);
            }
        }
    }
}
