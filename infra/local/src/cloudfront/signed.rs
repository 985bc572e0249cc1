//! Signed URLs: RSA PKCS#1 v1.5 over a canned policy, which is made anew from the URL, or a custom one, which comes along.
//!
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html>

use std::net::{IpAddr, Ipv4Addr};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use axum::http::Uri;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::time::Time;
use serde::Deserialize;

/// What belongs to the signature and not to what is signed.
const RESERVED: [&str; 5] = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"];

/// A text is no RSA public key in PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public key in PEM is expected")]
pub struct NotAKey;

/// A public key of the key group, and the name that signers give it.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    id: String,
    der: Vec<u8>,
}

impl TrustedKey {
    /// The key `id`, in PEM as it is given to CloudFront.
    pub fn from_pem(id: &str, pem: &str) -> Result<Self, NotAKey> {
        let lines = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----").ok_or(NotAKey)?;
        let lines = lines.strip_suffix("-----END PUBLIC KEY-----").ok_or(NotAKey)?;
        let text: String = lines.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_no_base64| NotAKey)?;
        Ok(Self { id: id.to_owned(), der })
    }
}

/// Why somebody may not read a private file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The URL is not signed.
    MissingKey,
    /// It is signed by a key of nobody here.
    UnknownKey,
    /// Its signature is wrong, or over, or of something else.
    Denied,
}

impl Refused {
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingKey => "MissingKey",
            Self::UnknownKey => "InvalidKey",
            Self::Denied => "AccessDenied",
        }
    }

    pub const fn message(self) -> &'static str {
        match self {
            Self::MissingKey => "Missing Key-Pair-Id query parameter or cookie value",
            Self::UnknownKey => "Unknown Key",
            Self::Denied => "Access denied",
        }
    }
}

/// The policy, as far as CloudFront reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    statement: [Statement; 1],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default = "anything")]
    resource: String,
    condition: Condition,
}

fn anything() -> String {
    "*".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Condition {
    date_less_than: Epoch,
    date_greater_than: Option<Epoch>,
    ip_address: Option<Source>,
}

#[derive(Debug, Deserialize)]
struct Epoch {
    #[serde(rename = "AWS:EpochTime")]
    seconds: i64,
}

#[derive(Debug, Deserialize)]
struct Source {
    #[serde(rename = "AWS:SourceIp")]
    addresses: String,
}

/// Whether `uri`, asked of the host at `base` by `client`, is signed by one of `keys`.
pub(super) fn check(uri: &Uri, base: &str, client: IpAddr, keys: &[TrustedKey], now: Time) -> Result<(), Refused> {
    let pairs: Vec<(&str, &str)> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let one = |wanted: &str| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let key_id = one("Key-Pair-Id").ok_or(Refused::MissingKey)?;
    let signature = one("Signature").and_then(decoded).ok_or(Refused::Denied)?;
    let resource = resource(uri, base);
    let policy = match (one("Policy"), one("Expires")) {
        (Some(policy), None) => decoded(policy).ok_or(Refused::Denied)?,
        // To the byte as the signer wrote it.
        (None, Some(seconds)) => format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{seconds}}}}}}}]}}"#
        )
        .into_bytes(),
        _ => return Err(Refused::Denied),
    };
    let how: &RsaParameters = match one("Hash-Algorithm") {
        None | Some("SHA1") => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Some("SHA256") => &RSA_PKCS1_2048_8192_SHA256,
        Some(_) => return Err(Refused::Denied),
    };
    let key = keys.iter().find(|key| key.id == key_id).ok_or(Refused::UnknownKey)?;
    UnparsedPublicKey::new(how, &key.der).verify(&policy, &signature).map_err(|_wrong| Refused::Denied)?;
    // What is signed may be read now.
    let Policy { statement: [Statement { resource: pattern, condition }] } =
        serde_json::from_slice(&policy).map_err(|_no_policy| Refused::Denied)?;
    let seconds = now.unix_seconds();
    let holds = is_like(&pattern, &resource)
        && seconds < condition.date_less_than.seconds
        && condition.date_greater_than.is_none_or(|since| since.seconds < seconds)
        && condition.ip_address.is_none_or(|source| is_in(client, &source.addresses));
    if holds { Ok(()) } else { Err(Refused::Denied) }
}

/// The URL that was signed: what was asked for, without the signature.
fn resource(uri: &Uri, base: &str) -> String {
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !RESERVED.contains(&name)
    });
    let query: Vec<&str> = kept.collect();
    if query.is_empty() { format!("{base}{}", uri.path()) } else { format!("{base}{}?{}", uri.path(), query.join("&")) }
}

/// CloudFront's own alphabet of base64.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let usual = text.chars().map(|c| match c {
        '-' => '+',
        '_' => '=',
        '~' => '/',
        other => other,
    });
    STANDARD.decode(usual.collect::<String>()).ok()
}

/// `*` is any text, `?` any one character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Where the pattern can stand after what was read of the text.
    let mut places = vec![false; pattern.len().saturating_add(1)];
    let pass_stars = |places: &mut Vec<bool>| {
        for (n, c) in pattern.iter().enumerate() {
            if *c == '*' && places.get(n) == Some(&true) {
                places.get_mut(n.saturating_add(1)).into_iter().for_each(|place| *place = true);
            }
        }
    };
    places.first_mut().into_iter().for_each(|place| *place = true);
    pass_stars(&mut places);
    for c in text {
        let mut next = vec![false; places.len()];
        for (n, wanted) in pattern.iter().enumerate().filter(|(n, _)| places.get(*n) == Some(&true)) {
            let to = match wanted {
                '*' => n,
                '?' => n.saturating_add(1),
                wanted if *wanted == c => n.saturating_add(1),
                _ => continue,
            };
            next.get_mut(to).into_iter().for_each(|place| *place = true);
        }
        pass_stars(&mut next);
        places = next;
    }
    places.last() == Some(&true)
}

/// Whether an address is in a network such as `192.0.2.0/24`; CloudFront takes IPv4 only.
fn is_in(address: IpAddr, network: &str) -> bool {
    let (network, bits) = network.split_once('/').unwrap_or((network, "32"));
    let (Ok(network), Ok(bits @ 0..=32), IpAddr::V4(address)) =
        (network.parse::<Ipv4Addr>(), bits.parse::<u32>(), address.to_canonical())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
    address.to_bits() & mask == network.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with OpenSSL: `tests/signed_urls.json` says how.
    #[derive(Deserialize)]
    struct Vectors {
        public_key: String,
        urls: std::collections::BTreeMap<String, String>,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("tests/signed_urls.json")).unwrap()
    }

    fn ask(url: &str, client: [u8; 4], now: &str) -> Result<(), Refused> {
        let key = TrustedKey::from_pem("KTESTKEY", &vectors().public_key).unwrap();
        let uri: Uri = url.strip_prefix("https://cdn.example").unwrap().parse().unwrap();
        check(&uri, "https://cdn.example", IpAddr::from(client), &[key], now.parse().unwrap())
    }

    const BEFORE: &str = "2026-12-31T23:59:59Z";
    const AFTER: &str = "2027-01-01T00:00:00Z";
    const SOMEBODY: [u8; 4] = [192, 0, 2, 7];

    #[test]
    fn what_openssl_signed_is_good_until_it_ends() {
        let urls = vectors().urls;
        for name in ["canned", "canned_with_query", "canned_sha256", "custom", "custom_wildcard"] {
            assert_eq!(ask(&urls[name], SOMEBODY, BEFORE), Ok(()), "{name}");
            assert_eq!(ask(&urls[name], SOMEBODY, AFTER), Err(Refused::Denied), "{name}");
        }
        // Not before its beginning, and not from elsewhere.
        assert_eq!(ask(&urls["custom"], SOMEBODY, "2026-11-30T23:59:59Z"), Err(Refused::Denied));
        assert_eq!(ask(&urls["custom"], [192, 0, 3, 7], BEFORE), Err(Refused::Denied));
    }

    #[test]
    fn what_was_changed_is_refused() {
        let urls = vectors().urls;
        for (name, from, to) in [
            ("canned", "v1.mp4", "v2.mp4"),
            ("canned", "Expires=1798761600", "Expires=1798761601"),
            ("canned_with_query", "part=1", "part=2"),
            ("canned_sha256", "&Hash-Algorithm=SHA256", ""),
            ("canned", "Signature=", "Signature=AAAA"),
            ("custom", "v1.mp4", "v2.mp4"),
            ("custom_wildcard", "/lectures/1/", "/lectures/2/"),
        ] {
            let changed = urls[name].replacen(from, to, 1);
            assert_ne!(changed, urls[name], "{name} {from}");
            assert_eq!(ask(&changed, SOMEBODY, BEFORE), Err(Refused::Denied), "{name} {from}");
        }
        let other = urls["canned"].replace("KTESTKEY", "KOTHER");
        assert_eq!(ask(&other, SOMEBODY, BEFORE), Err(Refused::UnknownKey));
        assert_eq!(ask("https://cdn.example/lectures/1/v1.mp4", SOMEBODY, BEFORE), Err(Refused::MissingKey));
        let both = format!("{}&Policy=AAAA", urls["canned"]);
        assert_eq!(ask(&both, SOMEBODY, BEFORE), Err(Refused::Denied));
    }

    #[test]
    fn patterns_and_networks() {
        for (pattern, text, matches) in [
            ("*", "https://a/b", true),
            ("https://a/*", "https://a/b/c", true),
            ("https://a/?", "https://a/b", true),
            ("https://a/?", "https://a/bc", false),
            ("https://*/b*c", "https://a/b/d/c", true),
            ("https://a/b", "https://a/bc", false),
            ("", "a", false),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
        let here = IpAddr::from([192, 0, 2, 7]);
        for (network, inside) in [
            ("192.0.2.7", true),
            ("192.0.2.0/24", true),
            ("192.0.2.0/29", true),
            ("192.0.2.8/29", false),
            ("0.0.0.0/0", true),
            ("192.0.2.0/33", false),
            ("x", false),
        ] {
            assert_eq!(is_in(here, network), inside, "{network}");
        }
        assert!(!is_in("2001:db8::1".parse().unwrap(), "0.0.0.0/0"));
        assert_eq!(TrustedKey::from_pem("K", "-----BEGIN RSA PRIVATE KEY-----").unwrap_err(), NotAKey);
    }
}
