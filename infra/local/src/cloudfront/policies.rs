//! What the distribution of `infra/cdn.yaml` says of how files are kept and answered. `tests/it/template.rs` compares the two.

use axum::http::{HeaderMap, header};

/// Where files are that anybody may read. Nothing else is read but what is [`PRIVATE`]: uploads that nobody has looked at yet
/// are in the same bucket.
pub const PUBLIC: [&str; 4] = ["/communities/", "/parties/", "/profiles/", "/pwts/"];
/// Where files are that take a signed URL.
pub const PRIVATE: &str = "/lectures/";
/// What may be asked.
pub const METHODS: [&str; 2] = ["GET", "HEAD"];
/// The least seconds that a copy is good, whatever the origin says.
pub const LEAST_SECONDS: i64 = 0;
/// And where the origin says nothing.
pub const USUAL_SECONDS: i64 = 86_400;
/// And the most.
pub const MOST_SECONDS: i64 = 31_536_000;
/// How long a refusal is good.
pub const REFUSAL_SECONDS: i64 = 10;
/// What scripts of other origins may read of an answer.
pub const EXPOSED: [&str; 4] = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"];
/// How long browsers may remember that they may ask.
pub const PREFLIGHT_SECONDS: i64 = 7_200;
/// What no page of ours is: documents of strangers run nothing, in whichever tab they are opened.
pub const CONTENT_POLICY: &str = "default-src 'none'; sandbox";
/// For how long browsers come back by HTTPS only.
pub const HTTPS_SECONDS: i64 = 31_536_000;

/// How many seconds a copy is good, from what the origin says of it.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html>
pub(super) fn lifetime(headers: &HeaderMap) -> i64 {
    let said = headers.get(header::CACHE_CONTROL).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let directives: Vec<(String, &str)> = said
        .split(',')
        .map(|directive| directive.trim().split_once('=').unwrap_or((directive.trim(), "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_matches('"')))
        .collect();
    let has = |wanted: &str| directives.iter().any(|(name, _)| name == wanted);
    if ["no-store", "no-cache", "private"].into_iter().any(has) {
        return LEAST_SECONDS;
    }
    let seconds = |wanted: &str| {
        let (_, value) = directives.iter().find(|(name, _)| name == wanted)?;
        value.parse::<i64>().ok()
    };
    // What is said to caches that many share counts more than what is said to all.
    let seconds = seconds("s-maxage").or_else(|| seconds("max-age")).unwrap_or(USUAL_SECONDS);
    seconds.clamp(LEAST_SECONDS, MOST_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_says_how_long_a_copy_is_good_within_limits() {
        let good_for = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, said.parse().unwrap());
            lifetime(&headers)
        };
        assert_eq!(lifetime(&HeaderMap::new()), USUAL_SECONDS);
        for (said, seconds) in [
            ("public", USUAL_SECONDS),
            ("max-age=60", 60),
            ("max-age=60, s-maxage=5", 5),
            ("public, max-age=31536000, immutable", 31_536_000),
            ("max-age=99999999", MOST_SECONDS),
            ("no-store", 0),
            ("private, max-age=60", 0),
            ("No-Cache", 0),
            ("max-age=x", USUAL_SECONDS),
        ] {
            assert_eq!(good_for(said), seconds, "{said}");
        }
    }
}
