//! What holds for every operation: how bad requests are refused, languages, ids, CORS.

use serde_json::json;

use crate::app::{PASSWORD, TestApp};

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let app = TestApp::start().await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/auth/signup/"] {
        app.get(path).send().await.refused(404, "ROUTE_NOT_FOUND");
    }
    for method in [http::Method::GET, http::Method::DELETE] {
        let reply = app.request(method.clone(), "/v1/auth/signup").send().await;
        assert_eq!((reply.status, reply.header("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(app.post("/v1/orders/x").send().await.header("allow"), "GET");
}

#[tokio::test]
async fn bad_bodies_are_refused_each_in_its_own_way() {
    let app = TestApp::start().await;
    let post = || app.post("/v1/auth/signup");
    post().body("{}").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    post().body("{}").header("content-type", "text/plain").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    for malformed in ["", "{", "{\"email\":}", "nul", "{\"email\": \"\\ud800\"}", "\u{feff}{}"] {
        post().body(malformed).header("content-type", "application/json").send().await.refused(400, "MALFORMED_JSON");
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    post().body(deep).header("content-type", "application/json").send().await.refused(400, "MALFORMED_JSON");
    for value in [json!([]), json!("x"), json!(null), json!(5)] {
        post().json(&value).send().await.refused(400, "VALIDATION_FAILED");
    }
    let large = json!({ "email": "a".repeat(256 * 1024) });
    post().json(&large).send().await.refused(413, "BODY_TOO_LARGE");
    let utf8 = post().body(b"{\"email\": \"\xff\"}".to_vec()).header("content-type", "application/json").send().await;
    utf8.refused(400, "MALFORMED_JSON");
    let charset = json!({ "email": "kim@example.com", "password": PASSWORD, "username": "kim" });
    let accepted =
        post().body(charset.to_string()).header("content-type", "Application/JSON; charset=utf-8").send().await;
    accepted.expect(201);
}

#[tokio::test]
async fn bad_ids_queries_and_cursors_are_refused() {
    let app = TestApp::start().await;
    for id in ["x", "01arz3ndektsv4rrffq69g5fav", "%2e%2e", "01ARZ3NDEKTSV4RRFFQ69G5FAV%00", "%ff"] {
        app.get(&format!("/v1/pwts/{id}")).send().await.refused(400, "INVALID_ID");
    }
    for query in ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "level=HARDEST", "unknown=1", "cursor=&x=1"] {
        app.get(&format!("/v1/pwts?{query}")).send().await.refused(400, "VALIDATION_FAILED");
    }
    for cursor in ["x", "", "AAAA", "eyJwayI6IlBXVCJ9"] {
        app.get(&format!("/v1/pwts?cursor={cursor}")).send().await.refused(400, "BAD_CURSOR");
    }
}

#[tokio::test]
async fn refusals_are_korean_or_english() {
    let app = TestApp::start().await;
    let told = |language: &'static str| {
        let call = app.get("/v1/nothing").header("accept-language", language);
        async move { call.send().await.refused(404, "ROUTE_NOT_FOUND")["detail"].as_str().unwrap().to_owned() }
    };
    let (korean, english) = ("존재하지 않는 주소입니다.", "There is no such route.");
    for (language, detail) in [
        ("", korean),
        ("ko", korean),
        ("en", english),
        ("en-US,en;q=0.9", english),
        ("fr, en;q=0.5", english),
        ("ko, en", korean),
        ("fr", korean),
    ] {
        assert_eq!(told(language).await, detail, "{language}");
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let app = TestApp::start().await;
    let first = app.get("/v1/health").header("x-request-id", "chosen-by-the-client").send().await;
    let second = app.get("/v1/nothing").send().await;
    assert_eq!(first.header("x-request-id").len(), 26);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(second.body["requestId"], second.header("x-request-id"));
    assert_eq!(second.body["instance"], "/v1/nothing");
}

#[tokio::test]
async fn a_table_that_is_down_is_busy_and_tells_nothing() {
    let app = TestApp::start().await;
    app.wire.clear();
    app.wire.rule(|_| testkit::Action::Refuse { status: 400, code: "ThrottlingException" });
    tokio::time::pause();
    let reply = app.get("/v1/pwts").send().await;
    assert_eq!(reply.header("retry-after"), "1");
    reply.refused(503, "BUSY");
    app.wire.clear();
    app.wire.rule(|_| testkit::Action::Refuse { status: 400, code: "ValidationException" });
    let problem = app.get("/v1/pwts").send().await.refused(500, "INTERNAL");
    assert!(!problem.to_string().contains("Validation"));
}
