//! S3 as our client and browsers meet it: the embedded one of the local server, or, with `TEST_S3`, another S3. What
//! holds for both holds for AWS, as far as its documentation goes.

mod lifecycle;
mod multipart;
mod tagging;

use std::time::Duration;

use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    types::{BucketLocationConstraint, CorsConfiguration, CorsRule, CreateBucketConfiguration},
};
use bytes::Bytes;
use clock::{Clock, Rng};
use config::Reader;
use devloop_local::s3::{Access, S3};
use domain::attachments::FileType;
use http::{Method, Request};
use http_body_util::BodyExt;
use media::{Bucket, Changed, Connection, Stat, Upload, random_key};
use tempfile::TempDir;
use toss::{Https, Transport};

use crate::objects::{self, ORIGIN, Stored};

const ELSEWHERE: &str = "https://evil.example";

/// An S3 and a bucket in it.
struct Far {
    bucket: Bucket,
    client: aws_sdk_s3::Client,
    name: String,
    endpoint: String,
    clock: Clock,
    rng: Rng,
    here: Option<(S3, TempDir)>,
}

impl Far {
    async fn new() -> Self {
        Self::by(Clock::system()).await
    }

    /// Another S3 than the embedded one goes by the machine's clock.
    async fn by(clock: Clock) -> Self {
        let rng = Rng::from_system();
        let name = format!("bucket-{}", rng.below(u64::MAX));
        let (endpoint, http, here) = if let Some(url) = Self::other() {
            (url, aws_smithy_http_client::Builder::new().build_http(), None)
        } else {
            let folder = tempfile::tempdir().unwrap();
            let s3 = S3::open(folder.path(), &name, Access::local(), &[ORIGIN.to_owned()], clock.clone()).unwrap();
            ("http://s3.test".to_owned(), s3.http_client(), Some((s3, folder)))
        };
        let Access { id, secret } = Access::local();
        let connection = Connection {
            bucket: name.clone(),
            endpoint: Some(endpoint.clone()),
            region: "ap-northeast-2".to_owned(),
            credentials: Some((id, secret)),
            http: Some(http.clone()),
        };
        let bucket = Bucket::connect(connection, &clock, &rng).await;
        let client = objects::client(&endpoint, http, Some(clock.clone()));
        let far = Self { bucket, client, name, endpoint, clock, rng, here };
        if far.here.is_none() {
            far.make_bucket().await;
        }
        far
    }

    /// Where the other S3 is, if it is what the tests are for.
    fn other() -> Option<String> {
        Reader::from_environment().optional::<String>("TEST_S3")
    }

    /// As the deployed one is made.
    async fn make_bucket(&self) {
        let place = BucketLocationConstraint::from("ap-northeast-2");
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        self.client.create_bucket().bucket(&self.name).create_bucket_configuration(place).send().await.unwrap();
        let rule = CorsRule::builder().allowed_origins(ORIGIN).allowed_headers("content-type").expose_headers("ETag");
        let rule = ["GET", "HEAD", "PUT"].iter().fold(rule, |rule, method| rule.allowed_methods(*method));
        let rules = CorsConfiguration::builder().cors_rules(rule.max_age_seconds(600).build().unwrap());
        let configure = self.client.put_bucket_cors().bucket(&self.name);
        configure.cors_configuration(rules.build().unwrap()).send().await.unwrap();
    }

    fn url(&self, key: &str) -> String {
        format!("{}/{}/{key}", self.endpoint, self.name)
    }

    async fn sign(&self, key: &str, size: usize) -> Upload {
        let now = self.clock.now();
        self.sign_at(key, size, now).await
    }

    async fn sign_at(&self, key: &str, size: usize, now: domain::time::Time) -> Upload {
        let size = u32::try_from(size).unwrap();
        self.bucket.sign_upload(key, (FileType::Png, size), now, Duration::from_mins(15)).await.unwrap()
    }

    /// What a browser sends.
    async fn browse(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Stored {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some((s3, _)) = &self.here {
            let request = request.header("content-length", body.len()).body(axum::body::Body::from(body.to_vec()));
            let (parts, body) = s3.answer(request.unwrap()).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            return Stored { status: parts.status.as_u16(), headers: parts.headers, body };
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        let (parts, body) = Https::new().unwrap().send(request).await.unwrap().into_parts();
        Stored { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn put(&self, upload: &Upload, content_type: &str, body: &[u8]) -> (u16, String) {
        let stored = self.browse(Method::PUT, &upload.url, &[("content-type", content_type)], body).await;
        (stored.status, stored.code())
    }

    /// An object with these bytes, and what names them.
    async fn object(&self, key: &str, bytes: &[u8]) -> Stat {
        let upload = self.sign(key, bytes.len()).await;
        assert_eq!(self.put(&upload, "image/png", bytes).await.0, 200);
        self.bucket.stat(key).await.unwrap().unwrap()
    }

    fn key(&self) -> String {
        random_key(&self.rng, "uploads", None)
    }

    /// The bytes of an object.
    async fn bytes(&self, key: &str) -> Bytes {
        let found = self.client.get_object().bucket(&self.name).key(key).send().await.unwrap();
        found.body.collect().await.unwrap().into_bytes()
    }
}

/// The code of a refusal, or `OK`.
fn code<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> String {
    answer.err().map_or_else(|| "OK".to_owned(), |error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_upload_url_takes_the_type_and_the_length_that_were_signed() {
    let far = Far::new().await;
    let upload = far.sign(&far.key(), 5).await;
    let signed: Vec<&str> = upload.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(signed.contains(&"content-type") && upload.url.contains("content-length"), "{upload:?}");
    let wrong = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(far.put(&upload, "text/html", b"12345").await, wrong);
    assert_eq!(far.put(&upload, "image/png", b"123456789").await, wrong);
    assert_eq!(far.put(&upload, "image/png", b"1234").await, wrong);
    assert_eq!(far.browse(Method::PUT, &upload.url, &[], b"12345").await.code(), wrong.1);
    assert_eq!(far.put(&upload, "image/png", b"12345").await.0, 200);
}

#[tokio::test]
async fn an_upload_url_is_for_one_key_one_method_and_its_time() {
    let far = Far::new().await;
    let key = far.key();
    let upload = far.sign(&key, 5).await;
    let changed = |from: &str, to: &str| Upload { url: upload.url.replace(from, to), ..upload.clone() };
    let (last, other) =
        if upload.url.ends_with('0') { ('0', "1") } else { (upload.url.chars().next_back().unwrap(), "0") };
    let forged = Upload { url: format!("{}{other}", upload.url.strip_suffix(last).unwrap()), ..upload.clone() };
    for (wrong, code) in [
        (changed(&key, "uploads/other"), "SignatureDoesNotMatch"),
        (changed("X-Amz-Expires=900", "X-Amz-Expires=9000"), "SignatureDoesNotMatch"),
        (changed("local%2F", "nobody%2F"), "InvalidAccessKeyId"),
        (forged, "SignatureDoesNotMatch"),
    ] {
        assert_eq!(far.put(&wrong, "image/png", b"12345").await, (403, code.to_owned()), "{}", wrong.url);
    }
    assert_eq!(far.browse(Method::GET, &upload.url, &[("content-type", "image/png")], b"").await.status, 403);
    let old = far.sign_at(&key, 5, far.clock.now().plus_seconds(-901)).await;
    assert_eq!(far.put(&old, "image/png", b"12345").await, (403, "AccessDenied".to_owned()));
    assert_eq!(far.bucket.stat(&key).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_is_let_in_without_a_signature() {
    let far = Far::new().await;
    let key = far.key();
    far.object(&key, b"12345").await;
    for (method, url) in [
        (Method::GET, far.url(&key)),
        (Method::PUT, far.url(&far.key())),
        (Method::DELETE, far.url(&key)),
        (Method::GET, far.url("")),
    ] {
        let refused = far.browse(method.clone(), &url, &[], b"").await;
        assert_eq!((refused.status, refused.code()), (403, "AccessDenied".to_owned()), "{method} {url}");
    }
    assert!(far.bucket.stat(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn an_object_is_looked_at_read_published_and_deleted() {
    let far = Far::new().await;
    let (key, public) = (far.key(), random_key(&far.rng, "profiles", Some("png")));
    assert_eq!(far.bucket.stat(&key).await.unwrap(), None);
    let stat = far.object(&key, b"first").await;
    assert_eq!(stat.size, 5);
    assert_eq!(far.bucket.read(&key, &stat.etag).await.unwrap(), Ok(Bytes::from_static(b"first")));
    let name = "내 사진.png".parse().unwrap();
    far.bucket.publish((&key, &stat.etag), &public, FileType::Png, &name).await.unwrap().unwrap();
    let served = far.client.get_object().bucket(&far.name).key(&public).send().await.unwrap();
    assert_eq!(served.content_type(), Some("image/png"));
    let disposition = "attachment; filename=\"_ __.png\"; filename*=UTF-8''%EB%82%B4%20%EC%82%AC%EC%A7%84.png";
    assert_eq!(served.content_disposition(), Some(disposition));
    assert_eq!(served.cache_control(), Some("public, max-age=31536000, immutable"));
    assert_eq!(served.body.collect().await.unwrap().into_bytes(), Bytes::from_static(b"first"));

    let ranged = far.client.get_object().bucket(&far.name).key(&public).range("bytes=1-3").send().await.unwrap();
    assert_eq!(ranged.content_range(), Some("bytes 1-3/5"));
    assert_eq!(ranged.body.collect().await.unwrap().into_bytes(), Bytes::from_static(b"irs"));
    for _ in 0..2 {
        far.bucket.delete(&public).await.unwrap();
        assert_eq!(far.bucket.stat(&public).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_was_replaced_is_neither_read_nor_published() {
    let far = Far::new().await;
    let (key, public) = (far.key(), random_key(&far.rng, "profiles", Some("png")));
    let first = far.object(&key, b"first").await;
    let second = far.object(&key, b"other").await;
    assert_ne!(first.etag, second.etag);
    let name = "a.png".parse().unwrap();
    assert_eq!(far.bucket.read(&key, &first.etag).await.unwrap(), Err(Changed));
    let published = far.bucket.publish((&key, &first.etag), &public, FileType::Png, &name).await.unwrap();
    assert_eq!(published, Err(Changed));
    far.bucket.delete(&key).await.unwrap();
    assert_eq!(far.bucket.read(&key, &second.etag).await.unwrap(), Err(Changed));
    let published = far.bucket.publish((&key, &second.etag), &public, FileType::Png, &name).await.unwrap();
    assert_eq!(published, Err(Changed));
    assert_eq!(far.bucket.stat(&public).await.unwrap(), None);
    assert!(matches!(
        far.client.get_object().bucket("no-such-bucket-here").key(&key).send().await,
        Err(error) if error.code() == Some("NoSuchBucket")
    ));
}

#[tokio::test]
async fn pages_of_the_frontends_may_upload_and_others_may_not() {
    let far = Far::new().await;
    let key = far.key();
    let ask = async |origin: &str, method: &str, header: &str| {
        let headers =
            [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", header)];
        far.browse(Method::OPTIONS, &far.url(&key), &headers, b"").await
    };
    let allowed = ask(ORIGIN, "PUT", "content-type").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, ORIGIN));
    assert!(allowed.header("access-control-allow-methods").contains("PUT"));
    assert!(allowed.header("access-control-allow-headers").to_lowercase().contains("content-type"));
    for (origin, method, header) in
        [(ELSEWHERE, "PUT", "content-type"), (ORIGIN, "DELETE", "content-type"), (ORIGIN, "PUT", "x-amz-acl")]
    {
        let refused = ask(origin, method, header).await;
        assert_eq!(refused.status, 403, "{origin} {method} {header}");
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
    }
    let upload = far.sign(&key, 5).await;
    for (origin, told) in [(ELSEWHERE, ""), (ORIGIN, ORIGIN)] {
        let headers = [("origin", origin), ("content-type", "image/png")];
        let stored = far.browse(Method::PUT, &upload.url, &headers, b"12345").await;
        assert_eq!((stored.status, stored.header("access-control-allow-origin")), (200, told));
        assert!(told.is_empty() || stored.header("access-control-expose-headers").to_lowercase().contains("etag"));
    }
}
