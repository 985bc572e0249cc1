//! AWS Signature Version 4, of headers and of presigned URLs: who asks, for what exactly, and until when.
//!
//! `s3s` checks signatures, too, but by the machine's clock, which cannot be moved.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::{borrow::Cow, collections::BTreeSet};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use axum::http::{HeaderMap, HeaderName, Uri, header, request::Parts};
use domain::time::Time;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Access, errors::Refused};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// How far the clocks of two machines may be apart.
const SKEW_SECONDS: i64 = 15 * 60;
/// The longest that a URL can be good for: a week.
const LONGEST_SECONDS: i64 = 604_800;

/// What canonical requests do not encode: RFC 3986's unreserved characters.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_PATHS: AsciiSet = UNRESERVED.remove(b'/');

/// What a request says of its signature.
struct Claim<'a> {
    credential: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    date: Cow<'a, str>,
    content: Cow<'a, str>,
}

/// Lets a request through if `access` signed it for what it is, and `now` is in its time.
pub(super) fn check(request: &Parts, body: &[u8], access: &Access, now: Time) -> Result<(), Refused> {
    let query = query(&request.uri);
    let claim = if query.iter().any(|(name, _)| name == "X-Amz-Signature") {
        presigned(&query, &request.headers, now)?
    } else if request.headers.contains_key(header::AUTHORIZATION) {
        in_headers(&request.headers, body, now)?
    } else {
        return Err(Refused::ANONYMOUS);
    };
    let mut scope = claim.credential.splitn(2, '/');
    let (id, scope) = (scope.next().unwrap_or_default(), scope.next().unwrap_or_default());
    if id != access.id {
        return Err(Refused::UNKNOWN_KEY);
    }
    let expected = signature(&canonical(request, &query, &claim), &claim.date, scope, &access.secret);
    let is_right = verify_slices_are_equal(expected.as_bytes(), claim.signature.as_bytes()).is_ok();
    if is_right { Ok(()) } else { Err(Refused::WRONG_SIGNATURE) }
}

/// Takes out what only the check was interested in.
pub(super) fn remove(request: &mut Parts) {
    request.headers.remove(header::AUTHORIZATION);
    request.headers.remove(CONTENT_HASH);
    let (path, query) = (request.uri.path().to_owned(), request.uri.query().unwrap_or_default());
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-")).collect();
    let target = if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) };
    // It was one before, and is shorter now.
    if let Ok(uri) = target.parse() {
        request.uri = uri;
    }
}

fn presigned<'a>(query: &'a [(String, String)], headers: &'a HeaderMap, now: Time) -> Result<Claim<'a>, Refused> {
    let one = |wanted: &str| {
        let mut found = query.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none()).ok_or(Refused::BAD_PARAMETERS)
    };
    let seconds: i64 = one("X-Amz-Expires")?.parse().map_err(|_no_number| Refused::BAD_PARAMETERS)?;
    let date = one("X-Amz-Date")?;
    let since = instant(date).ok_or(Refused::BAD_PARAMETERS)?;
    if one("X-Amz-Algorithm")? != ALGORITHM || !(1..=LONGEST_SECONDS).contains(&seconds) {
        return Err(Refused::BAD_PARAMETERS);
    }
    if now.plus_seconds(SKEW_SECONDS) < since {
        return Err(Refused::NOT_YET);
    }
    if now > since.plus_seconds(seconds) {
        return Err(Refused::EXPIRED);
    }
    Ok(Claim {
        credential: one("X-Amz-Credential")?.into(),
        signed_headers: one("X-Amz-SignedHeaders")?.into(),
        signature: one("X-Amz-Signature")?.into(),
        date: date.into(),
        content: text(headers, &CONTENT_HASH).unwrap_or(UNSIGNED).into(),
    })
}

fn in_headers<'a>(headers: &'a HeaderMap, body: &[u8], now: Time) -> Result<Claim<'a>, Refused> {
    let authorization = text(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix(ALGORITHM));
    let authorization = authorization.ok_or(Refused::BAD_HEADER)?;
    let one = |wanted: &str| {
        let mut parts = authorization.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(wanted)?.strip_prefix('=')).ok_or(Refused::BAD_HEADER)
    };
    let date = text(headers, &DATE).ok_or(Refused::BAD_HEADER)?;
    let since = instant(date).ok_or(Refused::BAD_HEADER)?;
    if since.since(now).as_secs().abs() > SKEW_SECONDS {
        return Err(Refused::SKEWED);
    }
    let content = text(headers, &CONTENT_HASH).ok_or(Refused::BAD_HEADER)?;
    if content != UNSIGNED && content != hex::encode(digest::digest(&digest::SHA256, body)) {
        return Err(Refused::OTHER_CONTENT);
    }
    Ok(Claim {
        credential: one("Credential")?.into(),
        signed_headers: one("SignedHeaders")?.into(),
        signature: one("Signature")?.into(),
        date: date.into(),
        content: content.into(),
    })
}

/// The request in the one form that both sides write it in.
fn canonical(request: &Parts, query: &[(String, String)], claim: &Claim<'_>) -> String {
    let path = utf8_percent_encode(&decoded(request.uri.path()), &IN_PATHS).to_string();
    let encoded = |text: &str| utf8_percent_encode(text, &UNRESERVED).to_string();
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    // A header that was signed and does not come along leaves its line empty, so that the signature is another.
    let names: BTreeSet<&str> = claim.signed_headers.split(';').collect();
    let lines = names.into_iter().map(|name| format!("{name}:{}\n", sent(request, name)));
    format!(
        "{}\n{path}\n{}\n{}\n{}\n{}",
        request.method,
        pairs.join("&"),
        lines.collect::<String>(),
        claim.signed_headers,
        claim.content
    )
}

fn sent(request: &Parts, name: &str) -> String {
    let values = request.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    let values: Vec<String> = values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    values.join(",")
}

fn signature(canonical: &str, date: &str, scope: &str, secret: &str) -> String {
    let hashed = hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let sign =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    // The scope is day, region, service and a fixed word: each signs the next.
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| sign(&key, part));
    hex::encode(sign(&key, &format!("{ALGORITHM}\n{date}\n{scope}\n{hashed}")))
}

fn query(uri: &Uri) -> Vec<(String, String)> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    // Not as a form: a plus sign is a plus sign.
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    pairs.map(pair).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `20261124T000000Z`.
fn instant(text: &str) -> Option<Time> {
    let part = |from: usize, until: usize| text.get(from..until);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let is_right = text.len() == 16 && part(8, 9) == Some("T") && part(15, 16) == Some("Z");
    if is_right { format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's own example of a presigned URL.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    #[test]
    fn amazons_example_is_signed_as_amazon_signs_it() {
        let access = Access {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        };
        let url = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
            &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let request = |url: &str| {
            let request = http::Request::get(url).header("host", "examplebucket.s3.amazonaws.com");
            request.body(()).unwrap().into_parts().0
        };
        let at = |text: &str| text.parse::<Time>().unwrap();
        let midnight = at("2013-05-24T00:00:00Z");
        assert_eq!(check(&request(url), b"", &access, midnight), Ok(()));
        assert_eq!(check(&request(url), b"", &access, at("2013-05-25T00:00:00Z")), Ok(()));
        assert_eq!(check(&request(url), b"", &access, at("2013-05-25T00:00:01Z")), Err(Refused::EXPIRED));
        assert_eq!(check(&request(url), b"", &access, at("2013-05-23T23:45:00Z")), Ok(()));
        assert_eq!(check(&request(url), b"", &access, at("2013-05-23T23:44:59Z")), Err(Refused::NOT_YET));
        for (from, to) in [
            ("test.txt", "test.tx"),
            ("us-east-1", "us-east-2"),
            ("86400", "86401"),
            ("aeeed9", "aeeed8"),
            ("SignedHeaders=host", "SignedHeaders="),
        ] {
            let changed = request(&url.replacen(from, to, 1));
            assert_eq!(check(&changed, b"", &access, midnight), Err(Refused::WRONG_SIGNATURE), "{to}");
        }
        for (from, to) in [("X-Amz-Expires=86400", "X-Amz-Expires=604801"), ("20130524T", "2013"), ("HMAC", "ECDSA")] {
            let changed = request(&url.replace(from, to));
            assert_eq!(check(&changed, b"", &access, midnight), Err(Refused::BAD_PARAMETERS), "{to}");
        }
        let other = Access { id: "AKIA".to_owned(), ..access };
        assert_eq!(check(&request(url), b"", &other, midnight), Err(Refused::UNKNOWN_KEY));
        assert_eq!(check(&request("/test.txt"), b"", &other, midnight), Err(Refused::ANONYMOUS));
    }

    #[test]
    fn what_was_checked_is_taken_out() {
        let mut request =
            http::Request::get("/b/k?x-id=GetObject&X-Amz-Date=1&partNumber=2").body(()).unwrap().into_parts().0;
        remove(&mut request);
        assert_eq!(request.uri, "/b/k?x-id=GetObject&partNumber=2");
    }
}
