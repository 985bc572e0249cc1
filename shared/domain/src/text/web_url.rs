//! Links.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text_of;
use crate::validation::{self, Invalid};

/// A link to somebody's work, `http` or `https`, at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WebUrl(String);

impl WebUrl {
    const MAX: usize = 2_048;
}

sent!(WebUrl, text_of(8, WebUrl::MAX).format(Some(validation::format("uri"))));

impl FromStr for WebUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let not_a_url = Invalid::new("NOT_A_URL", "http 또는 https 주소여야 합니다.", "must be an http or https URL");
        let text = text.trim();
        let url = url::Url::parse(text).map_err(|_not_a_url| not_a_url.clone())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        if plain && text.chars().count() <= Self::MAX && url.as_str().len() <= Self::MAX {
            Ok(Self(url.into()))
        } else {
            Err(not_a_url)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_http_and_carry_no_password() {
        for good in ["https://github.com/kim", "http://kim.dev"] {
            assert!(good.parse::<WebUrl>().is_ok(), "{good}");
        }
        for bad in
            ["javascript:alert(1)", "ftp://example.com", "https://kim:pw@example.com", "github.com/kim", "https://"]
        {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad}");
        }
    }
}
