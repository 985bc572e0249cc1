//! Email addresses.

use std::str::FromStr;

use email_address::EmailAddress;
use serde::{Deserialize, Serialize};

use super::{one_line, text_of};
use crate::validation::{self, Invalid};

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

sent!(Email, text_of(3, Email::MAX).format(Some(validation::format("email"))));

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_compared_without_case() {
        assert_eq!("Kim@Example.COM".parse::<Email>().unwrap().as_str(), "kim@example.com");
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
}
