//! The key that proves to Toss who asks.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, header::InvalidHeaderValue};

/// A secret key of Toss: `test_sk_…`, `test_gsk_…`, `live_sk_…` or `live_gsk_…`.
///
/// Families: <https://docs.tosspayments.com/reference/using-api/authorization>.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

/// The text is no secret key. It does not repeat the text: a wrong key may be another's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret key of Toss begins with test_sk_, test_gsk_, live_sk_ or live_gsk_")]
pub struct NotASecretKey;

impl SecretKey {
    const LONGEST: usize = 200;

    /// Whether it moves real money.
    pub fn is_live(&self) -> bool {
        self.0.starts_with("live_")
    }

    /// The value of `Authorization`: the key as user name with an empty password. Marked
    /// sensitive, so that it is not printed with the other headers.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{}:", self.0))))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl FromStr for SecretKey {
    type Err = NotASecretKey;

    fn from_str(text: &str) -> Result<Self, NotASecretKey> {
        let rest =
            ["test_sk_", "test_gsk_", "live_sk_", "live_gsk_"].iter().find_map(|prefix| text.strip_prefix(prefix));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match rest {
            Some(rest) if !rest.is_empty() && text.len() <= Self::LONGEST && rest.bytes().all(plain) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NotASecretKey),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_live() { "SecretKey(live)" } else { "SecretKey(test)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_families_are_secret_keys() {
        for (text, live) in [("test_sk_a1", false), ("test_gsk_a1", false), ("live_sk_a1", true), ("live_gsk_a1", true)]
        {
            assert_eq!(text.parse::<SecretKey>().unwrap().is_live(), live, "{text}");
        }
        for text in
            ["", "test_ck_a1", "live_gck_a1", "sk_a1", "test_sk_", " test_sk_a1", "test_sk_a:b", "\u{feff}test_sk_a1"]
        {
            assert_eq!(text.parse::<SecretKey>(), Err(NotASecretKey), "{text}");
        }
    }

    #[test]
    fn the_header_ends_with_a_colon_and_nothing_prints_the_key() {
        let key: SecretKey = "test_sk_a1".parse().unwrap();
        let header = key.authorization().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic dGVzdF9za19hMTo=");
        assert!(!format!("{key:?}{header:?}").contains("a1"));
    }
}
