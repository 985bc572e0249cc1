//! From an upload to what browsers see: the API, the embedded S3, the CDN in front of it, and the queue that keeps it honest.

use std::{net::Ipv4Addr, time::Duration};

use axum::body::Body;
use clock::Rng;
use devloop_local::{
    cloudfront::{CloudFront, Origin, OriginAccess, Settings},
    s3::Access,
};
use domain::cdn::CdnPath;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jobs::CdnJob;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::attachments::{key_of, ready};
use crate::{
    app::TestApp,
    cdn::CdnWire,
    files,
    objects::{self, BUCKET},
};

const HIT: &str = "Hit from cloudfront";
const MISS: &str = "Miss from cloudfront";

/// Runs `test` over an app whose CDN fetches from the app's own S3, over HTTP.
async fn with_files(test: impl AsyncFnOnce(&TestApp)) {
    let mut app = TestApp::start().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let bucket = format!("http://{}/{BUCKET}", listener.local_addr().unwrap());
    let Access { id, secret } = Access::local();
    let access = OriginAccess { id, secret, region: "ap-northeast-2".to_owned() };
    let origin = Origin::new(bucket.parse().unwrap(), access).unwrap();
    app.cloudfront = CloudFront::new(Settings::default(), origin, app.clock.clock(), Rng::from_seed(45));
    app.cdn = CdnWire::to(&app.cloudfront);
    let s3 = app.objects.s3().router();
    tokio::select! {
        biased;
        () = test(&app) => {}
        ended = axum::serve(listener, s3) => panic!("{ended:?}"),
    }
}

/// What a browser is answered at `path`.
async fn read(app: &TestApp, path: &str) -> (u16, HeaderMap, Vec<u8>) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (parts, body) = app.cloudfront.edge().oneshot(request).await.unwrap().into_parts();
    (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

/// Status, `X-Cache` and bytes.
async fn told(app: &TestApp, path: &str) -> (u16, String, Vec<u8>) {
    let (status, headers, bytes) = read(app, path).await;
    (status, headers["x-cache"].to_str().unwrap().to_owned(), bytes)
}

/// Somebody's uploaded picture: its path on the CDN and its bytes.
async fn picture(app: &TestApp) -> (String, Vec<u8>) {
    let kim = app.sign_up("kim").await;
    let attachment: Value = ready(app, &kim, "PROFILE").await;
    (format!("/{}", key_of(&attachment["url"])), files::png(3, 2))
}

/// Other bytes under the same key, as somebody would put them who has the bucket.
async fn replace(app: &TestApp, path: &str, bytes: &[u8]) {
    let client = objects::client("http://s3.test", app.objects.s3().http_client(), Some(app.clock.clock()));
    let put = client.put_object().bucket(BUCKET).key(path.trim_start_matches('/')).content_type("image/png");
    put.body(bytes.to_vec().into()).send().await.unwrap();
}

async fn remove(app: &TestApp, path: &str) {
    let client = objects::client("http://s3.test", app.objects.s3().http_client(), Some(app.clock.clock()));
    client.delete_object().bucket(BUCKET).key(path.trim_start_matches('/')).send().await.unwrap();
}

async fn have_forgotten(app: &TestApp, path: &str) {
    for job in CdnJob::invalidate(&[CdnPath::object(path).unwrap()]) {
        app.parts.cdn.send(job, Duration::ZERO).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_replaced_is_new_once_the_queue_is_drained() {
    with_files(async |app| {
        let (path, old) = picture(app).await;
        let (status, headers, bytes) = read(app, &path).await;
        assert_eq!(
            (status, &headers["content-type"], &headers["x-cache"]),
            (200, &"image/png".parse().unwrap(), &MISS.parse().unwrap())
        );
        assert_eq!(bytes, old);
        // As it was uploaded, and nothing is guessed about it.
        assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(told(app, &path).await, (200, HIT.to_owned(), old.clone()));

        let new = files::png(5, 7);
        replace(app, &path, &new).await;
        have_forgotten(app, &path).await;
        // Nobody has worked on the queue yet, and CloudFront takes its time.
        assert_eq!(told(app, &path).await, (200, HIT.to_owned(), old.clone()));
        assert_eq!(app.pump().await.done, 1);
        assert_eq!(told(app, &path).await, (200, HIT.to_owned(), old));
        app.clock.advance(5_000);
        assert_eq!(told(app, &path).await, (200, MISS.to_owned(), new.clone()));
        assert_eq!(told(app, &path).await, (200, HIT.to_owned(), new));
    })
    .await;
}

/// The twin: with nobody at the queue the old one is shown for as long as it may be kept.
#[tokio::test]
async fn without_the_invalidator_what_was_replaced_is_shown_for_a_year() {
    with_files(async |app| {
        let (path, old) = picture(app).await;
        read(app, &path).await;
        replace(app, &path, &files::png(5, 7)).await;
        have_forgotten(app, &path).await;
        for days in [1, 30, 333] {
            app.clock.advance(days * 24 * 3_600_000);
            assert_eq!(told(app, &path).await, (200, HIT.to_owned(), old.clone()), "{days}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_removed_is_gone_once_the_queue_is_drained() {
    with_files(async |app| {
        let (path, old) = picture(app).await;
        read(app, &path).await;
        remove(app, &path).await;
        assert_eq!(told(app, &path).await, (200, HIT.to_owned(), old));
        have_forgotten(app, &path).await;
        app.pump().await;
        app.clock.advance(5_000);
        assert_eq!(read(app, &path).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_nobody_has_looked_at_is_not_read_through_the_cdn() {
    with_files(async |app| {
        let (path, _) = picture(app).await;
        replace(app, "/uploads/0f8fad5bd9cb469fa16570867728950e", b"<script>alert(1)</script>").await;
        assert_eq!(read(app, "/uploads/0f8fad5bd9cb469fa16570867728950e").await.0, 403);
        // Not by another spelling either.
        for path in [
            "/profiles/../uploads/0f8fad5bd9cb469fa16570867728950e",
            "/profiles/%2e%2e/uploads/0f8fad5bd9cb469fa16570867728950e",
        ] {
            assert_eq!(read(app, path).await.0, 403, "{path}");
        }
        assert_eq!(read(app, &path).await.0, 200);
    })
    .await;
}
