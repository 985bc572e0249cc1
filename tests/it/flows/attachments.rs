//! Uploaded files, from asking for a URL to being looked at.

use domain::attachments::AttachmentState;
use futures::future::join;
use http::Method;
use serde_json::{Value, json};
use storage::{items::Attachment, keys};
use testkit::{Action, Gate};

use crate::{
    app::{Account, CDN, Reply, TestApp, table_is_elsewhere},
    files,
    objects::{self, BUCKET, Served},
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

pub fn wanted(purpose: &str, name: &str, content_type: &str, size: usize) -> Value {
    json!({ "purpose": purpose, "fileName": name, "contentType": content_type, "size": size })
}

pub async fn ask(app: &TestApp, by: &Account, body: &Value) -> Reply {
    app.post("/v1/attachments").by(by).json(body).send().await
}

pub async fn complete(app: &TestApp, by: &Account, asked: &Value) -> Reply {
    app.post(&format!("/v1/attachments/{}/complete", asked["id"].as_str().unwrap())).by(by).send().await
}

/// What `create_attachment` answered, after the bytes were uploaded.
pub async fn uploaded(
    app: &TestApp,
    by: &Account,
    (purpose, name, content_type): (&str, &str, &str),
    bytes: &[u8],
) -> Value {
    let asked = ask(app, by, &wanted(purpose, name, content_type, bytes.len())).await.expect(201);
    assert_eq!(app.upload(&asked, bytes).await.status, 200);
    asked
}

/// What `complete_attachment` answers of a picture for `purpose`.
pub async fn ready(app: &TestApp, by: &Account, purpose: &str) -> Value {
    let asked = uploaded(app, by, (purpose, "사진.png", "image/png"), &files::png(3, 2)).await;
    complete(app, by, &asked).await.expect(200)
}

/// The stored item.
pub async fn stored(app: &TestApp, attachment: &Value) -> Option<Attachment> {
    app.table.get_now(keys::attachment(attachment["id"].as_str().unwrap().parse().unwrap())).await.unwrap()
}

/// The key of a URL on the CDN.
pub fn key_of(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(&format!("{CDN}/")).unwrap().to_owned()
}

const PICTURE: (&str, &str, &str) = ("PROFILE", "a.png", "image/png");

#[tokio::test]
async fn a_file_is_asked_for_uploaded_looked_at_and_served_as_a_file() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bytes = files::png(640, 480);
    let body = wanted("PROFILE", "내 사진 \"1\".PNG", "image/png", bytes.len());
    let reply = ask(&app, &kim, &body).await;
    let location = reply.header("location").to_owned();
    let asked = reply.expect(201);
    assert_eq!(location, format!("/v1/attachments/{}", asked["id"].as_str().unwrap()));
    let upload = &asked["upload"];
    assert_eq!(upload["headers"], json!({ "content-type": "image/png" }));
    assert_eq!((&upload["method"], &upload["expiresAt"]), (&json!("PUT"), &json!("2026-11-24T00:15:00.000Z")));
    assert_eq!(app.upload(&asked, &bytes).await.status, 200);
    let keys = app.objects.keys();
    assert!(keys.len() == 1 && keys[0].starts_with("uploads/") && keys[0].len() == "uploads/".len() + 32, "{keys:?}");

    let complete_once = complete(&app, &kim, &asked).await.expect(200);
    let expected = json!({
        "id": asked["id"], "state": "READY", "purpose": "PROFILE", "contentType": "image/png", "size": bytes.len(),
        "width": 640, "height": 480, "url": complete_once["url"],
    });
    assert_eq!(complete_once, expected);
    let key = key_of(&complete_once["url"]);
    assert!(key.starts_with("profiles/") && key.strip_suffix(".png").is_some(), "{key}");
    let expected = Served {
        bytes,
        content_type: "image/png".to_owned(),
        disposition: "attachment; filename=\"_ __ _1_.PNG\"; \
            filename*=UTF-8''%EB%82%B4%20%EC%82%AC%EC%A7%84%20%221%22.PNG"
            .to_owned(),
        cache_control: "public, max-age=31536000, immutable".to_owned(),
    };
    assert_eq!(app.objects.served(&key).await, Some(expected));
    assert_eq!(app.objects.keys(), [key]);
    // The name is with the file now, and nowhere else.
    let item = stored(&app, &asked).await.unwrap();
    assert_eq!((item.state, item.file_name), (AttachmentState::Ready, None));
    app.objects.take_asked();
    assert_eq!(complete(&app, &kim, &asked).await.expect(200), complete_once);
    assert_eq!(app.objects.take_asked(), []);
}

#[tokio::test]
async fn an_upload_takes_what_was_signed_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bytes = files::png(3, 2);
    let asked = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", bytes.len())).await.expect(201);
    let url = asked["upload"]["url"].as_str().unwrap();
    let length = bytes.len().to_string();
    let put = async |url: &str, content_type: &str, body: &[u8]| {
        let length = body.len().to_string();
        let headers = [("content-length", length.as_str()), ("content-type", content_type)];
        let stored = app.objects.browse(Method::PUT, url, &headers, body).await;
        (stored.status, stored.code())
    };
    let refused = |code: &str| (403, code.to_owned());
    let wrong = refused("SignatureDoesNotMatch");
    assert_eq!(put(url, "text/html", &bytes).await, wrong);
    assert_eq!(put(url, "image/svg+xml", &bytes).await, wrong);
    assert_eq!(put(url, "image/png", &[bytes.as_slice(), b"x"].concat()).await, wrong);
    assert_eq!(put(url, "image/png", &bytes[1..]).await, wrong);
    assert_eq!(put(&url.replace("/uploads/", "/profiles/"), "image/png", &bytes).await, wrong);
    assert_eq!(put(&url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"), "image/png", &bytes).await, wrong);
    let (plain, _) = url.split_once('?').unwrap();
    assert_eq!(put(plain, "image/png", &bytes).await, refused("AccessDenied"));
    // What a body is said to be long and is not.
    let headers = [("content-length", length.as_str()), ("content-type", "image/png")];
    let broken_off = app.objects.browse(Method::PUT, url, &headers, &bytes[1..]).await;
    assert_eq!((broken_off.status, broken_off.code()), (400, "IncompleteBody".to_owned()));
    assert_eq!(app.objects.browse(Method::GET, url, &[], &[]).await.code(), "SignatureDoesNotMatch");
    assert_eq!(app.objects.keys(), Vec::<String>::new());

    app.clock.advance(15 * MINUTE);
    assert_eq!(put(url, "image/png", &bytes).await.0, 200);
    app.clock.advance(1_000);
    assert_eq!(put(url, "image/png", &bytes).await, refused("AccessDenied"));
}

#[tokio::test]
async fn nobody_reads_the_bucket_past_the_cdn() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let file = ready(&app, &kim, "PROFILE").await;
    for url in [format!("http://s3.test/{BUCKET}/{}", key_of(&file["url"])), format!("http://s3.test/{BUCKET}")] {
        for method in [Method::GET, Method::HEAD, Method::DELETE, Method::PUT] {
            assert_eq!(app.objects.browse(method.clone(), &url, &[], &[]).await.status, 403, "{method} {url}");
        }
    }
    assert_eq!(app.objects.keys(), [key_of(&file["url"])]);
}

#[tokio::test]
async fn what_can_be_of_no_use_gets_no_url() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for (body, field, code) in [
        (wanted("PROFILE", "a.png", "image/png", 0), "size", "RANGE"),
        (wanted("PROFILE", "a.png", "image/png", 5_242_881), "size", "RANGE"),
        (wanted("PROFILE", "a.gif", "image/gif", 1), "contentType", "TYPE_NOT_TAKEN"),
        (wanted("PROFILE", "a.pdf", "application/pdf", 1), "contentType", "TYPE_NOT_TAKEN"),
        (wanted("COMMUNITY", "a.gif", "image/gif", 1), "contentType", "TYPE_NOT_TAKEN"),
        (wanted("PARTY", "a.gif", "image/gif", 1), "contentType", "TYPE_NOT_TAKEN"),
        (wanted("PWT", "a.svg", "image/svg+xml", 1), "contentType", "NOT_A_CHOICE"),
        (wanted("PWT", "a.html", "text/html", 1), "contentType", "NOT_A_CHOICE"),
        (wanted("PWT", "a.png", "image/PNG", 1), "contentType", "NOT_A_CHOICE"),
        (wanted("LECTURE", "a.png", "image/png", 1), "purpose", "NOT_A_CHOICE"),
        (wanted("PROFILE", "a.jpg", "image/png", 1), "fileName", "EXTENSION"),
        (wanted("PROFILE", "a.png.html", "image/png", 1), "fileName", "EXTENSION"),
        (wanted("PROFILE", "png", "image/png", 1), "fileName", "EXTENSION"),
        (wanted("PROFILE", "../a.png", "image/png", 1), "fileName", "NOT_A_FILE_NAME"),
        (wanted("PROFILE", "a\u{202e}gnp.png", "image/png", 1), "fileName", "NOT_A_FILE_NAME"),
        (wanted("PROFILE", "a\r\n.png", "image/png", 1), "fileName", "CONTROL_CHARACTER"),
        (wanted("PROFILE", &format!("{}.png", "가".repeat(252)), "image/png", 1), "fileName", "LENGTH"),
    ] {
        let problem = ask(&app, &kim, &body).await.refused(400, "VALIDATION_FAILED");
        let errors = &problem["errors"];
        assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!(field), &json!(code)), "{body}");
        assert_eq!(errors.as_array().unwrap().len(), 1, "{body}");
    }
    for (purpose, name, content_type) in [
        ("PROFILE", "a.JPEG", "image/jpeg"),
        ("COMMUNITY", "a.php.pdf", "application/pdf"),
        ("PARTY", ".png", "image/png"),
        ("PWT", "움직이는 그림.gif", "image/gif"),
    ] {
        ask(&app, &kim, &wanted(purpose, name, content_type, 5_242_880)).await.expect(201);
    }
}

#[tokio::test]
async fn what_is_not_what_it_was_said_to_be_is_refused_and_deleted() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let png = files::png(3, 2);
    for (bytes, code) in [
        (b"<html><script>alert(1)</script></html>".to_vec(), "FILE_TYPE_MISMATCH"),
        (files::jpeg(3, 2), "FILE_TYPE_MISMATCH"),
        (png[..png.len() - 1].to_vec(), "FILE_DAMAGED"),
        (files::png(65_535, 65_535), "IMAGE_TOO_LARGE"),
    ] {
        let asked = uploaded(&app, &kim, PICTURE, &bytes).await;
        complete(&app, &kim, &asked).await.refused(422, code);
        assert_eq!(app.objects.keys(), Vec::<String>::new(), "{code}");
        let item = stored(&app, &asked).await.unwrap();
        // Another upload is possible until the URL ends: whatever comes is removed after that.
        let due = item.upload_until.plus_seconds(60);
        assert_eq!((item.state, item.due), (AttachmentState::Released, Some(due)));
        complete(&app, &kim, &asked).await.refused(404, "ATTACHMENT_NOT_FOUND");
    }
    let problem = {
        let asked = uploaded(&app, &kim, PICTURE, &files::png(12_001, 9)).await;
        complete(&app, &kim, &asked).await.refused(422, "IMAGE_TOO_LARGE")
    };
    assert_eq!((&problem["width"], &problem["height"]), (&json!(12_001), &json!(9)));
}

/// Should S3 ever take another length than was signed.
#[tokio::test]
async fn another_size_than_was_asked_for_is_refused_and_deleted() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let png = files::png(3, 2);
    let asked = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", png.len() + 1)).await.expect(201);
    complete(&app, &kim, &asked).await.refused(409, "FILE_NOT_UPLOADED");
    let key = stored(&app, &asked).await.unwrap().upload_key;
    let client = objects::client("http://s3.test", app.objects.s3().http_client(), Some(app.clock.clock()));
    client.put_object().bucket(BUCKET).key(&key).body(png.clone().into()).send().await.unwrap();
    let problem = complete(&app, &kim, &asked).await.refused(422, "FILE_SIZE_MISMATCH");
    assert_eq!(problem["size"], png.len());
    assert_eq!(app.objects.keys(), Vec::<String>::new());
}

/// Holds the copy of an upload that was looked at until `meanwhile` is done.
async fn while_copying(app: &TestApp, by: &Account, asked: &Value, meanwhile: impl Future<Output = ()>) -> Reply {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (tell, wait) = (reached.clone(), gate.clone());
    let mut is_first = true;
    app.objects.rule(move |call| {
        if call.source.is_some() && std::mem::take(&mut is_first) {
            tell.open();
            return Action::Wait(wait.clone());
        }
        Action::Pass
    });
    let then = async {
        reached.passed().await;
        meanwhile.await;
        gate.open();
    };
    join(complete(app, by, asked), then).await.0
}

#[tokio::test]
async fn an_upload_that_is_replaced_after_it_was_looked_at_is_not_served() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let png = files::png(3, 2);
    let mut evil = b"<html><script>alert(1)</script>".to_vec();
    evil.resize(png.len(), b' ');
    let asked = uploaded(&app, &kim, PICTURE, &png).await;
    let item = stored(&app, &asked).await.unwrap();
    let replaced = while_copying(&app, &kim, &asked, async {
        assert_eq!(app.upload(&asked, &evil).await.status, 200);
        // Its twin: a copy that is not bound to what was looked at would be served.
        let client = objects::client("http://s3.test", app.objects.s3().http_client(), Some(app.clock.clock()));
        let source = format!("{BUCKET}/{}", item.upload_key);
        client.copy_object().bucket(BUCKET).key("profiles/twin").copy_source(source).send().await.unwrap();
        assert_eq!(app.objects.served("profiles/twin").await.unwrap().bytes, evil);
    });
    replaced.await.refused(422, "FILE_TYPE_MISMATCH");
    assert_eq!(app.objects.served(&item.public_key).await, None);

    // Replaced by another picture, that one is looked at in its turn.
    let (first, second) = (files::png(3, 2), files::png(7, 5));
    let asked = uploaded(&app, &kim, PICTURE, &first).await;
    let replaced = while_copying(&app, &kim, &asked, async {
        assert_eq!(app.upload(&asked, &second).await.status, 200);
    });
    let complete = replaced.await.expect(200);
    assert_eq!((&complete["width"], &complete["height"]), (&json!(7), &json!(5)));
    let key = key_of(&complete["url"]);
    assert_eq!(app.objects.served(&key).await.unwrap().bytes, second);
    // What comes later changes nothing any more.
    assert_eq!(app.upload(&asked, &first).await.status, 200);
    assert_eq!(app.objects.served(&key).await.unwrap().bytes, second);
}

#[tokio::test]
async fn a_file_that_is_given_up_while_it_is_looked_at_stays_given_up() {
    for is_guarded in [true, false] {
        let app = TestApp::start().await;
        let kim = app.sign_up("kim").await;
        let asked = uploaded(&app, &kim, PICTURE, &files::png(3, 2)).await;
        if !is_guarded {
            app.wire.rule(|call| {
                if call.by == "complete_attachment" {
                    call.strip_conditions("ATTACHMENT#");
                }
                Action::Pass
            });
        }
        let path = format!("/v1/attachments/{}", asked["id"].as_str().unwrap());
        let answer = while_copying(&app, &kim, &asked, async {
            app.delete(&path).by(&kim).send().await.expect(204);
        });
        let answer = answer.await;
        let state = stored(&app, &asked).await.unwrap().state;
        if is_guarded {
            answer.refused(404, "ATTACHMENT_NOT_FOUND");
            assert_eq!(state, AttachmentState::Released);
        } else {
            answer.expect(200);
            assert_eq!(state, AttachmentState::Ready, "without its condition, a deleted file comes back");
        }
    }
}

#[tokio::test]
async fn two_completions_at_once_are_one() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let asked = uploaded(&app, &kim, PICTURE, &files::png(3, 2)).await;
    let (one, other) = join(complete(&app, &kim, &asked), complete(&app, &kim, &asked)).await;
    assert_eq!(one.expect(200), other.expect(200));
    assert_eq!(app.objects.keys().len(), 1);
}

#[tokio::test]
async fn a_file_that_nothing_uses_can_be_given_up_once() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let pending = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", 9)).await.expect(201);
    let ready = ready(&app, &kim, "PROFILE").await;
    for file in [&pending, &ready] {
        let path = format!("/v1/attachments/{}", file["id"].as_str().unwrap());
        app.delete(&path).by(&lee).send().await.refused(404, "ATTACHMENT_NOT_FOUND");
        app.delete(&path).by(&kim).send().await.expect(204);
        app.delete(&path).by(&kim).send().await.refused(404, "ATTACHMENT_NOT_FOUND");
        complete(&app, &kim, file).await.refused(404, "ATTACHMENT_NOT_FOUND");
        assert_eq!(stored(&app, file).await.unwrap().state, AttachmentState::Released);
    }
}

#[tokio::test]
async fn a_failing_s3_takes_nothing_away() {
    // Paused time and a table elsewhere do not go together.
    if table_is_elsewhere() {
        return;
    }
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let asked = uploaded(&app, &kim, PICTURE, &files::png(3, 2)).await;
    tokio::time::pause();
    for failing in [
        Action::Refuse { status: 503, code: "SlowDown" },
        Action::Refuse { status: 500, code: "InternalError" },
        Action::LoseRequest,
        Action::LoseAnswer,
    ] {
        app.objects.rule(move |_| failing.clone());
        let busy = complete(&app, &kim, &asked).await;
        assert_eq!(busy.header("retry-after"), "1");
        busy.refused(503, "BUSY");
        assert_eq!(stored(&app, &asked).await.unwrap().state, AttachmentState::Pending);
    }
    app.objects.rule(|_| Action::Refuse { status: 403, code: "AccessDenied" });
    let problem = complete(&app, &kim, &asked).await.refused(500, "INTERNAL");
    assert!(!problem.to_string().contains("AccessDenied"), "{problem}");

    // Each call fails twice, or its answer is lost, and all goes well in the end.
    let mut calls = 0_u32;
    app.objects.rule(move |_| {
        calls += 1;
        match calls % 3 {
            1 => Action::Refuse { status: 503, code: "SlowDown" },
            2 => Action::LoseAnswer,
            _ => Action::Pass,
        }
    });
    complete(&app, &kim, &asked).await.expect(200);
    assert_eq!(app.objects.keys(), [stored(&app, &asked).await.unwrap().public_key]);

    // What cannot be deleted at once is deleted later.
    let asked = uploaded(&app, &kim, PICTURE, &files::png(3, 2)).await;
    app.objects.rule(|call| match call.method {
        Method::DELETE => Action::Refuse { status: 503, code: "SlowDown" },
        _ => Action::Pass,
    });
    complete(&app, &kim, &asked).await.expect(200);
    let item = stored(&app, &asked).await.unwrap();
    assert_eq!((item.state, item.due), (AttachmentState::Ready, Some(item.created_at.plus_seconds(22 * 60 * 60))));
    assert!(app.objects.keys().contains(&item.upload_key));
}

#[tokio::test]
async fn nobody_uploads_more_than_people_do() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let body = wanted("PROFILE", "a.png", "image/png", 9);
    for _ in 0..20 {
        ask(&app, &kim, &body).await.expect(201);
    }
    app.clock.advance(20_000);
    let refused = ask(&app, &kim, &body).await;
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("40", "\"create_attachment\";r=0;t=40"));
    refused.refused(429, "TOO_MANY_REQUESTS");
    ask(&app, &lee, &body).await.expect(201);
    for _ in 1..10 {
        app.clock.advance(MINUTE);
        for _ in 0..20 {
            ask(&app, &kim, &body).await.expect(201);
        }
    }
    app.clock.advance(MINUTE);
    let refused = ask(&app, &kim, &body).await;
    assert_eq!(refused.header("retry-after"), (DAY / 1_000 - 10 * 60 - 20).to_string());
    refused.refused(429, "TOO_MANY_REQUESTS");
}
