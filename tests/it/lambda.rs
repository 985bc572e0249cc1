//! Every operation as it is deployed: an event of API Gateway through the Lambda adapter of its
//! domain, with `OPERATION` set.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use devloop_http::lambda_router;
use devloop_local::toss_sandbox::Authentication;
use lambda_http::{Adapter, Context, LambdaEvent, request::LambdaRequest};
use serde_json::{Value, json};
use tower::Service;

use crate::authz::World;

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/http")
}

/// What each operation answers to its event: the status, and a member of its body.
const ANSWERS: [(&str, u64, &str); 98] = [
    ("sign_up", 201, "/tokens/accessToken"),
    ("log_in", 200, "/refreshToken"),
    ("refresh_session", 200, "/accessToken"),
    ("log_out", 204, ""),
    ("change_password", 204, ""),
    ("withdraw_account", 204, ""),
    ("get_jwks", 200, "/keys/0/kid"),
    ("get_me", 200, "/username"),
    ("update_me", 200, "/username"),
    ("set_profile_image", 200, "/profileImageUrl"),
    ("remove_profile_image", 204, ""),
    ("get_user", 200, "/postCounts/community"),
    ("list_my_purchases", 200, "/items/0/productId"),
    ("apply_as_tutor", 201, "/accountLastFour"),
    ("get_my_tutor_application", 200, "/state"),
    ("list_tutor_applications", 200, "/items/0/realName"),
    ("approve_tutor_application", 200, "/state"),
    ("reject_tutor_application", 200, "/reason"),
    ("create_attachment", 201, "/upload/url"),
    ("complete_attachment", 200, "/width"),
    ("delete_attachment", 204, ""),
    ("create_community_post", 201, "/status"),
    ("list_community_posts", 200, "/items/0/title"),
    ("get_community_post", 200, "/content"),
    ("update_community_post", 200, "/editedAt"),
    ("delete_community_post", 204, ""),
    ("create_community_comment", 201, "/content"),
    ("list_community_comments", 200, "/items/0/content"),
    ("update_community_comment", 200, "/editedAt"),
    ("delete_community_comment", 204, ""),
    ("accept_comment", 200, "/acceptedCommentId"),
    ("create_party_post", 201, "/capacity"),
    ("list_party_posts", 200, "/items/0/memberCount"),
    ("get_party_post", 200, "/content"),
    ("update_party_post", 200, "/editedAt"),
    ("delete_party_post", 204, ""),
    ("create_party_comment", 201, "/content"),
    ("list_party_comments", 200, "/items/0/content"),
    ("update_party_comment", 200, "/editedAt"),
    ("delete_party_comment", 204, ""),
    ("apply_to_party", 201, "/state"),
    ("list_party_applications", 200, "/items/0/applicant/username"),
    ("accept_party_application", 200, "/decidedAt"),
    ("decline_party_application", 200, "/decidedAt"),
    ("leave_party", 204, ""),
    ("like_post", 200, "/since"),
    ("unlike_post", 204, ""),
    ("add_bookmark", 200, "/bookmarkedAt"),
    ("remove_bookmark", 204, ""),
    ("list_my_bookmarks", 200, "/items/0/post/title"),
    ("report_content", 201, "/id"),
    ("list_reports", 200, "/items/0/content"),
    ("resolve_report", 200, "/resolvedAt"),
    ("create_pwt", 201, "/id"),
    ("list_pwts", 200, "/items/0/title"),
    ("get_pwt", 200, "/seatsLeft"),
    ("update_pwt", 200, "/title"),
    ("get_pwt_seats", 200, "/asOf"),
    ("close_pwt", 200, "/onSale"),
    ("delete_pwt", 204, ""),
    ("list_pwt_buyers", 200, "/items/0/orderId"),
    ("join_waitlist", 201, "/position"),
    ("get_my_waitlist_place", 200, "/since"),
    ("leave_waitlist", 204, ""),
    ("list_my_pwts", 200, "/items/0/approval"),
    ("list_pwts_for_admin", 200, "/items/0/id"),
    ("get_pwt_for_admin", 200, "/tutorEmail"),
    ("approve_pwt", 200, "/publishedAt"),
    ("reject_pwt", 200, "/reason"),
    ("get_schedule", 200, "/tutor/username"),
    ("list_todos", 200, "/items/0/title"),
    ("create_todo", 201, "/version"),
    ("get_todo", 200, "/content"),
    ("update_todo", 200, "/version"),
    ("delete_todo", 204, ""),
    ("get_my_calendar", 200, "/items/0/scheduleId"),
    ("issue_schedule_feed", 201, "/path"),
    ("get_schedule_feed", 200, ""),
    ("get_cart", 200, "/total"),
    ("add_cart_item", 200, "/items/0/price"),
    ("remove_cart_item", 204, ""),
    ("create_order", 201, "/payment/clientKey"),
    ("list_orders", 200, "/items/0/state"),
    ("get_order", 200, "/holdUntil"),
    ("cancel_order", 200, "/state"),
    ("confirm_payment", 200, "/paidAt"),
    ("fail_payment", 200, "/failure"),
    ("receive_toss_webhook", 200, "/received"),
    ("quote_refund", 200, "/notice"),
    ("request_refund", 201, "/state"),
    ("list_refund_requests", 200, "/items/0/order/buyerId"),
    ("list_ledger", 200, "/items"),
    ("list_orders_for_admin", 200, "/items/0/buyerId"),
    ("get_receipt", 200, "/supplier/registrationNumber"),
    ("list_my_settlements", 200, "/months/1/payable"),
    ("get_health", 200, "/status"),
    ("get_openapi", 200, "/openapi"),
    ("answer_unknown_route", 404, "/code"),
];

/// An event with its `{{placeholders}}` filled from a world.
fn event(operation: &str, world: &World) -> Value {
    let raw = fs::read_to_string(events().join(format!("{operation}.json"))).unwrap();
    let account = |caller: &str| world.caller(caller).clone();
    let asked = Authentication::of(world.order.as_str(), 50_000);
    let payment_key = world.app.sandbox.authenticate(asked).unwrap().payment_key;
    let values = [
        ("userToken", account("user").token),
        ("otherToken", account("other user").token),
        ("applicantToken", account("applicant").token),
        ("tutorToken", account("tutor").token),
        ("adminToken", account("admin").token),
        ("refreshToken", account("user").refresh),
        ("userId", account("applicant").id),
        ("free", world.free.clone()),
        ("paid", world.paid.clone()),
        ("full", world.full.clone()),
        ("pending", world.pending.clone()),
        ("todoId", world.todo.clone()),
        ("feedFile", world.feed.rsplit('/').next().unwrap().to_owned()),
        ("orderId", world.order.clone()),
        ("paidOrderId", world.bought.clone()),
        ("lateOrderId", world.late.clone()),
        ("upload", world.upload.clone()),
        ("picture", world.picture.clone()),
        ("question", world.question.clone()),
        ("answer", world.answer.clone()),
        ("party", world.party.clone()),
        ("remark", world.remark.clone()),
        ("reportId", world.report.clone()),
        ("paymentKey", payment_key),
    ];
    let filled = values.iter().fold(raw, |raw, (name, value)| raw.replace(&format!("{{{{{name}}}}}"), value));
    assert!(!filled.contains("{{"), "{operation}: {filled}");
    serde_json::from_str(&filled).unwrap()
}

/// Hands an event to the adapter of the function whose `OPERATION` is `operation`.
async fn invoke(world: &World, operation: &str, event: Value) -> Value {
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut adapter = Adapter::from(lambda_router(world.app.routes.clone(), operation));
    let response = adapter.call(LambdaEvent::new(request, Context::default())).await.unwrap();
    serde_json::to_value(response).unwrap()
}

#[tokio::test]
async fn every_event_is_answered_by_its_function() {
    for (operation, status, member) in ANSWERS {
        let world = World::new().await;
        let response = invoke(&world, operation, event(operation, &world)).await;
        let body = response["body"].as_str().unwrap_or_default();
        assert_eq!(response["statusCode"], json!(status), "{operation}: {body}");
        assert!(response["headers"]["x-request-id"].as_str().unwrap().starts_with("KZq"), "{operation}: {response}");
        if !member.is_empty() {
            let body: Value = serde_json::from_str(body).unwrap();
            let found = body.pointer(member).unwrap_or_else(|| panic!("{operation}: no {member} in {body}"));
            assert!(!found.is_null(), "{operation}: {member} is null");
        }
    }
}

/// The adapter must know that these are texts: encoded in base64 they would still be right, but unreadable in logs and
/// a third longer.
#[tokio::test]
async fn documents_leave_a_function_as_text() {
    let world = World::new().await;
    for (operation, media_type, begins) in [
        ("get_receipt", "text/html", "<!DOCTYPE html>"),
        ("list_my_settlements", "text/csv", "\u{feff}월"),
        ("get_schedule_feed", "text/calendar", "BEGIN:VCALENDAR\r\n"),
    ] {
        let mut event = event(operation, &world);
        event["headers"]["accept"] = json!(media_type);
        let response = invoke(&world, operation, event).await;
        assert_eq!(response["headers"]["content-type"], format!("{media_type}; charset=utf-8"));
        assert_eq!(response["isBase64Encoded"], json!(false), "{operation}");
        let body = response["body"].as_str().unwrap();
        assert!(body.starts_with(begins), "{operation}: {response}");
        assert_eq!(response["headers"]["content-length"], body.len().to_string(), "{operation}: {response}");
    }
}

#[tokio::test]
async fn a_function_under_another_route_answers_404_and_never_as_its_sibling() {
    let world = World::new().await;
    let seats = event("get_pwt_seats", &world);
    for wrong in ["get_pwt", "nothing", ""] {
        let response = invoke(&world, wrong, seats.clone()).await;
        assert_eq!(response["statusCode"], json!(404), "{wrong}");
        assert!(response["body"].as_str().unwrap().contains("ROUTE_NOT_FOUND"), "{response}");
    }
}

#[tokio::test]
async fn every_operation_has_an_event_and_every_event_an_operation() {
    let world = World::new().await;
    let operations: BTreeSet<String> = world.app.routes.iter().map(|route| route.id.to_owned()).collect();
    let answers: BTreeSet<String> = ANSWERS.iter().map(|(operation, ..)| (*operation).to_owned()).collect();
    let files: BTreeSet<String> = fs::read_dir(events())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(operations, files);
    assert_eq!(operations, answers);
}

#[tokio::test]
async fn events_name_the_routes_that_are_deployed() {
    let world = World::new().await;
    let routes: BTreeMap<&str, String> =
        world.app.routes.iter().map(|route| (route.id, format!("{} {}", route.method, route.path))).collect();
    for (operation, ..) in ANSWERS {
        let event = event(operation, &world);
        let key = event["routeKey"].as_str().unwrap();
        let expected = if operation == "answer_unknown_route" { "$default" } else { &routes[operation] };
        assert_eq!(key, expected, "{operation}");
    }
}
