//! The edge over an origin of the tests' own, which notes what it is asked.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use clock::Movable;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;

const START: &str = "2026-11-24T00:00:00Z";

/// An origin: what stands at its paths, and what it was asked.
#[derive(Clone, Default)]
struct Bucket(Arc<Inside>);

#[derive(Default)]
struct Inside {
    files: Mutex<BTreeMap<String, (Bytes, HeaderMap)>>,
    asked: Mutex<Vec<HeaderMap>>,
    /// What it answers instead, unless 0.
    fails: AtomicU16,
}

impl Bucket {
    fn put(&self, path: &str, body: &'static str, said: &[(&'static str, &str)]) {
        let mut headers: HeaderMap =
            said.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        headers.insert(header::ETAG, format!("\"{:x}\"", md5::compute(body)).parse().unwrap());
        self.0.files.lock().unwrap().insert(format!("/bucket{path}"), (Bytes::from_static(body.as_bytes()), headers));
    }

    fn remove(&self, path: &str) {
        self.0.files.lock().unwrap().remove(&format!("/bucket{path}"));
    }

    fn take_asked(&self) -> Vec<HeaderMap> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }
}

async fn from_bucket(State(bucket): State<Bucket>, request: Request) -> Response {
    bucket.0.asked.lock().unwrap().push(request.headers().clone());
    let fails = bucket.0.fails.load(Ordering::Relaxed);
    if fails > 0 {
        return StatusCode::from_u16(fails).unwrap().into_response();
    }
    let files = bucket.0.files.lock().unwrap();
    let Some((body, headers)) = files.get(request.uri().path()) else {
        return (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response();
    };
    if request.headers().get(header::IF_NONE_MATCH) == headers.get(header::ETAG) {
        return (StatusCode::NOT_MODIFIED, headers.clone()).into_response();
    }
    (headers.clone(), body.clone()).into_response()
}

/// An edge and its origin.
struct Far {
    bucket: Bucket,
    clock: Movable,
    cloudfront: CloudFront,
}

/// An answer of the edge.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, `X-Cache` and body.
    fn told(&self) -> (u16, &str, &str) {
        (self.status, self.header("x-cache"), &self.body)
    }
}

/// Runs `test` while an origin answers.
async fn with_origin(settings: Settings, test: impl AsyncFnOnce(&Far)) {
    let bucket = Bucket::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/bucket", listener.local_addr().unwrap()).parse().unwrap();
    let access =
        OriginAccess { id: "cdn".to_owned(), secret: "secret".to_owned(), region: "ap-northeast-2".to_owned() };
    let clock = Movable::standing_at(START.parse().unwrap());
    let origin = Origin::new(url, access).unwrap();
    let cloudfront = CloudFront::new(settings, origin, clock.clock(), Rng::from_seed(1));
    let router = axum::Router::new().fallback(from_bucket).with_state(bucket.clone());
    let far = Far { bucket, clock, cloudfront };
    tokio::select! {
        biased;
        () = test(&far) => {}
        ended = axum::serve(listener, router) => panic!("{ended:?}"),
    }
}

impl Far {
    async fn ask(&self, method: Method, path: &str, said: &[(&'static str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in said {
            request = request.header(*name, *value);
        }
        let response = self.cloudfront.edge().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[]).await
    }

    fn invalidate(&self, path: &str) {
        let id = self.cloudfront.0.ids.token();
        let seconds = self.cloudfront.0.settings.invalidation_seconds;
        let made = self
            .cloudfront
            .state(|state, now| state.invalidations.create(id.clone(), id, vec![path.to_owned()], now, seconds));
        made.unwrap();
    }
}

const FILE: &str = "/profiles/a.png";
const MISS: &str = "Miss from cloudfront";
const HIT: &str = "Hit from cloudfront";
const ERROR: &str = "Error from cloudfront";

#[tokio::test]
async fn the_second_who_asks_is_answered_from_the_copy() {
    with_origin(Settings::default(), async |far| {
        let said =
            [("content-type", "image/png"), ("content-disposition", "inline; filename=\"a.png\""), ("x-amz-id-2", "x")];
        far.bucket.put(FILE, "one", &said);
        let first = far.get(FILE).await;
        assert_eq!(first.told(), (200, MISS, "one"));
        assert_eq!(first.header("age"), "");
        far.clock.advance(7_000);
        // A query makes no other file of it.
        let second = far.get(&format!("{FILE}?x=1")).await;
        assert_eq!((second.told(), second.header("age")), ((200, HIT, "one"), "7"));
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-disposition", "inline; filename=\"a.png\""),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("accept-ranges", "bytes"),
            ("content-length", "3"),
            ("via", VIA),
            ("x-amz-id-2", ""),
        ] {
            assert_eq!(second.header(name), value, "{name}");
        }
        let head = far.ask(Method::HEAD, FILE, &[]).await;
        assert_eq!((head.told(), head.header("content-length")), ((200, HIT, ""), "3"));
        let asked = far.bucket.take_asked();
        assert_eq!(asked.len(), 1);
        let signed = asked[0]["authorization"].to_str().unwrap();
        let begins = "AWS4-HMAC-SHA256 Credential=cdn/20261124/ap-northeast-2/s3/aws4_request, SignedHeaders=";
        assert!(signed.starts_with(begins), "{signed}");
    })
    .await;
}

#[tokio::test]
async fn a_copy_that_has_grown_old_is_asked_about() {
    with_origin(Settings::default(), async |far| {
        far.bucket.put(FILE, "one", &[("cache-control", "max-age=60")]);
        far.get(FILE).await;
        far.clock.advance(59_999);
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
        far.clock.advance(1);
        let refreshed = far.get(FILE).await;
        assert_eq!(refreshed.told(), (200, "RefreshHit from cloudfront", "one"));
        assert_eq!(far.bucket.take_asked()[1]["if-none-match"], refreshed.header("etag"));
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
        far.bucket.put(FILE, "two", &[("cache-control", "max-age=60")]);
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
        far.clock.advance(60_000);
        assert_eq!(far.get(FILE).await.told(), (200, MISS, "two"));
        // While the origin fails, what is old is better than nothing.
        far.clock.advance(60_000);
        far.bucket.0.fails.store(503, Ordering::Relaxed);
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "two"));
        assert_eq!(far.get("/profiles/b.png").await.told(), (503, ERROR, ""));
    })
    .await;
}

#[tokio::test]
async fn what_may_not_be_kept_is_not() {
    with_origin(Settings::default(), async |far| {
        far.bucket.put(FILE, "one", &[("cache-control", "no-store")]);
        assert_eq!(far.get(FILE).await.told(), (200, MISS, "one"));
        assert_eq!(far.get(FILE).await.told(), (200, MISS, "one"));
        assert!(far.cloudfront.kept(10).is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_takes_effect_when_it_is_completed() {
    with_origin(Settings { invalidation_seconds: 30, ..Settings::default() }, async |far| {
        for path in [FILE, "/profiles/b.png", "/pwts/c.png"] {
            far.bucket.put(path, "one", &[]);
            far.get(path).await;
            far.bucket.put(path, "two", &[]);
        }
        far.invalidate(FILE);
        far.clock.advance(29_999);
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
        far.clock.advance(1);
        assert_eq!(far.get(FILE).await.told(), (200, MISS, "two"));
        assert_eq!(far.get("/profiles/b.png").await.told(), (200, HIT, "one"));
        far.invalidate("/profiles/*");
        far.clock.advance(30_000);
        assert_eq!(far.get("/profiles/b.png").await.told(), (200, MISS, "two"));
        assert_eq!(far.get("/pwts/c.png").await.told(), (200, HIT, "one"));
        let kept: Vec<String> = far.cloudfront.kept(10).into_iter().map(|kept| kept.path).collect();
        assert_eq!(kept, ["/profiles/b.png", "/pwts/c.png"]);
    })
    .await;
}

/// What was fetched before something was forgotten, and comes after it, would be old for a day.
#[tokio::test]
async fn a_copy_on_its_way_while_it_is_forgotten_is_not_kept() {
    with_origin(Settings { invalidation_seconds: 0, ..Settings::default() }, async |far| {
        let asked_at = far.clock.clock().now();
        let old = Arc::new(cache::Copy::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"one"), asked_at));
        far.clock.advance(1);
        far.invalidate(FILE);
        far.clock.advance(1);
        far.cloudfront.keep(FILE, &old);
        assert!(far.cloudfront.kept(10).is_empty());
        // The twin: of what nobody forgot the same copy is kept.
        far.cloudfront.keep("/profiles/b.png", &old);
        assert_eq!(far.cloudfront.kept(10).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn parts_are_answered_and_what_is_known_is_not_sent() {
    with_origin(Settings::default(), async |far| {
        far.bucket.put(FILE, "0123456789", &[]);
        let etag = far.get(FILE).await.header("etag").to_owned();
        let ask = async |said: &[(&'static str, &str)]| far.ask(Method::GET, FILE, said).await;
        let part = ask(&[("range", "bytes=2-4")]).await;
        assert_eq!((part.told(), part.header("content-range")), ((206, HIT, "234"), "bytes 2-4/10"));
        assert_eq!(ask(&[("range", "bytes=-2"), ("if-range", &etag)]).await.told(), (206, HIT, "89"));
        assert_eq!(ask(&[("range", "bytes=-2"), ("if-range", "\"other\"")]).await.told(), (200, HIT, "0123456789"));
        let beyond = ask(&[("range", "bytes=10-")]).await;
        assert_eq!((beyond.told(), beyond.header("content-range")), ((416, HIT, ""), "bytes */10"));
        let known = ask(&[("if-none-match", &etag)]).await;
        assert_eq!((known.told(), known.header("etag")), ((304, HIT, ""), etag.as_str()));
        assert_eq!(far.bucket.take_asked().len(), 1);
        // Also of what has to be fetched first.
        far.bucket.put("/pwts/b.pdf", "0123456789", &[]);
        assert_eq!(far.ask(Method::GET, "/pwts/b.pdf", &[("range", "bytes=0-0")]).await.told(), (206, MISS, "0"));
        assert_eq!(far.get("/pwts/b.pdf").await.told(), (200, HIT, "0123456789"));
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_refused_and_missed_for_a_moment_only() {
    with_origin(Settings::default(), async |far| {
        assert_eq!(far.get(FILE).await.told(), (403, ERROR, "<Error><Code>NoSuchKey</Code></Error>"));
        far.bucket.put(FILE, "one", &[]);
        assert_eq!(far.get(FILE).await.status, 403);
        far.clock.advance(10_000);
        assert_eq!(far.get(FILE).await.told(), (200, MISS, "one"));
        // And what is removed is answered until it is forgotten.
        far.bucket.remove(FILE);
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
    })
    .await;
}

#[tokio::test]
async fn only_files_for_everybody_are_read_and_nothing_is_written() {
    let key = |name: &str| -> Value {
        serde_json::from_str::<Value>(include_str!("signed_urls.json")).unwrap()[name].clone()
    };
    let trusted = TrustedKey::from_pem("KTESTKEY", key("public_key").as_str().unwrap()).unwrap();
    with_origin(Settings { key_group: vec![trusted], ..Settings::default() }, async |far| {
        far.cloudfront.set_base_url("https://cdn.example");
        far.bucket.put("/uploads/x", "nobody has looked at this", &[]);
        far.bucket.put("/lectures/1/v1.mp4", "video", &[]);
        for path in ["/uploads/x", "/", "/profile/x", "/profiles", "/bucket/uploads/x"] {
            assert_eq!(far.get(path).await.status, 403, "{path}");
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(far.ask(method, FILE, &[]).await.status, 403);
        }
        let unsigned = far.get("/lectures/1/v1.mp4").await;
        assert!(unsigned.status == 403 && unsigned.body.contains("MissingKey"), "{unsigned:?}");
        assert!(far.bucket.take_asked().is_empty());
        let signed = key("urls")["canned"].as_str().unwrap().replace("https://cdn.example", "");
        assert_eq!(far.get(&signed).await.told(), (200, MISS, "video"));
        // That somebody may read the copy does not make it everybody's.
        assert_eq!(far.get("/lectures/1/v1.mp4").await.status, 403);
        assert_eq!(far.get(&signed).await.told(), (200, HIT, "video"));
    })
    .await;
}

#[tokio::test]
async fn scripts_of_the_frontends_may_read_and_no_others() {
    let settings = Settings { origins: vec!["https://devloop.example".to_owned()], ..Settings::default() };
    with_origin(settings, async |far| {
        far.bucket.put(FILE, "one", &[]);
        let ours = far.ask(Method::GET, FILE, &[("origin", "https://devloop.example")]).await;
        assert_eq!(ours.header("access-control-allow-origin"), "https://devloop.example");
        assert!(ours.header("access-control-expose-headers").contains("ETag"));
        for said in [&[("origin", "https://evil.example")][..], &[]] {
            let reply = far.ask(Method::GET, FILE, said).await;
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""), "{said:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_passes_through_and_is_not_kept() {
    let huge: &'static str = Box::leak("x".repeat(cache::LARGEST + 1).into_boxed_str());
    with_origin(Settings::default(), async |far| {
        far.bucket.put(FILE, huge, &[]);
        let reply = far.get(FILE).await;
        assert_eq!((reply.status, reply.body.len()), (200, huge.len()));
        // The origin of this test does not know ranges: that they are asked for is what counts.
        far.ask(Method::GET, FILE, &[("range", "bytes=0-9")]).await;
        assert_eq!(far.bucket.take_asked().last().unwrap()["range"], "bytes=0-9");
        assert!(far.cloudfront.kept(10).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_far_origin_makes_misses_slow_and_hits_not() {
    let settings = Settings { origin_delay: Duration::from_millis(120), ..Settings::default() };
    with_origin(settings, async |far| {
        far.bucket.put(FILE, "one", &[]);
        #[expect(clippy::disallowed_methods, reason = "the delay is real")]
        let began = std::time::Instant::now();
        far.get(FILE).await;
        let missed = began.elapsed();
        assert!(missed >= Duration::from_millis(120), "{missed:?}");
        assert_eq!(far.get(FILE).await.told(), (200, HIT, "one"));
        assert_eq!(far.bucket.take_asked().len(), 1);
    })
    .await;
}
