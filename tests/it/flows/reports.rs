//! Reports: one for each user and thing, decided once, and who made one hears of it.

use futures::future::join_all;
use serde_json::{Value, json};
use storage::{
    Query, Write,
    items::{Note, NoteKind},
    keys,
};
use testkit::Action;

use crate::app::{Account, Reply, TestApp};

const BOARDS: [(&str, &str); 2] = [("COMMUNITY", "/v1/communities"), ("PARTY", "/v1/parties")];
const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";
const MINUTE: i64 = 60_000;

struct World {
    app: TestApp,
    admin: Account,
    /// Writes posts and comments.
    kim: Account,
    lee: Account,
    /// A post on each board, with a comment.
    posts: Vec<(&'static str, String, String)>,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let (admin, kim, lee) = (app.admin("root").await, app.sign_up("kim").await, app.sign_up("lee").await);
        let mut posts = vec![];
        for (word, path) in BOARDS {
            let mut body = json!({ "title": "제목", "content": "지금 바로 구매하세요!", "category": "WEB_DEV" });
            if word == "PARTY" {
                body["capacity"] = json!(5);
            }
            let made = app.post(path).by(&kim).json(&body).send().await.expect(201);
            let id = made["id"].as_str().unwrap().to_owned();
            let comments = format!("{path}/{id}/comments");
            let said = app.post(&comments).by(&kim).json(&json!({ "content": "욕설" })).send().await.expect(201);
            posts.push((word, id, said["id"].as_str().unwrap().to_owned()));
        }
        Self { app, admin, kim, lee, posts }
    }

    async fn report(&self, by: &Account, body: Value) -> Reply {
        self.app.post("/v1/reports").by(by).json(&body).send().await
    }

    fn body(&self, board: usize, comment: bool) -> Value {
        let (word, post, said) = &self.posts[board];
        let mut body = json!({ "board": word, "postId": post, "complaint": "SPAM" });
        if comment {
            body["commentId"] = json!(said);
        }
        body
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let page = self.app.get(&format!("/v1/admin/reports{query}")).by(&self.admin).send().await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    async fn resolve(&self, id: &Value, outcome: &str) -> Reply {
        let path = format!("/v1/admin/reports/{}/resolve", id.as_str().unwrap());
        self.app.post(&path).by(&self.admin).json(&json!({ "outcome": outcome })).send().await
    }

    async fn notes(&self, who: &Account) -> Vec<Note> {
        let own = Query::partition(keys::user_partition(who.id.parse().unwrap()), "NOTE#");
        self.app.table.all(&own, 9).await.unwrap()
    }
}

#[tokio::test]
async fn a_report_reaches_the_admins_with_what_it_is_of() {
    let world = World::new().await;
    for board in 0..BOARDS.len() {
        for comment in [false, true] {
            world.app.clock.advance(MINUTE);
            let mut body = world.body(board, comment);
            body["detail"] = json!("같은 광고를 여러 번 올렸습니다.");
            let made = world.report(&world.lee, body.clone()).await.expect(201);
            let at = json!(world.app.parts.clock.now());
            let expected = json!({
                "id": made["id"], "board": body["board"], "postId": body["postId"], "commentId": body["commentId"],
                "complaint": "SPAM", "detail": body["detail"], "state": "OPEN", "outcome": null, "createdAt": at,
                "resolvedAt": null,
            });
            assert_eq!(made, expected);
            let again = world.report(&world.lee, body).await.expect(200);
            assert_eq!(again, made, "twice is the same report");
        }
    }
    let listed = world.listed("").await;
    assert_eq!(listed.len(), 4, "oldest first");
    assert!(listed.is_sorted_by_key(|report| report["createdAt"].as_str().unwrap().to_owned()));
    for (report, content) in listed.iter().zip(["지금 바로 구매하세요!", "욕설", "지금 바로 구매하세요!", "욕설"])
    {
        assert_eq!(report["content"], content);
        assert_eq!((&report["reporter"]["username"], &report["author"]["username"]), (&json!("lee"), &json!("kim")));
    }
    let pages = world.app.get("/v1/admin/reports?limit=3").by(&world.admin).send().await.expect(200);
    let cursor = pages["nextCursor"].as_str().unwrap();
    assert_eq!(world.listed(&format!("?limit=3&cursor={cursor}")).await, listed[3..]);
    let elsewhere = format!("/v1/admin/reports?state=RESOLVED&cursor={cursor}");
    world.app.get(&elsewhere).by(&world.admin).send().await.refused(400, "BAD_CURSOR");
    // What was deleted meanwhile is told as gone.
    let (_, post, _) = &world.posts[0];
    world.app.delete(&format!("/v1/communities/{post}")).by(&world.kim).send().await.expect(204);
    world.app.drain().await;
    assert_eq!(world.listed("").await[1]["content"], Value::Null);
}

#[tokio::test]
async fn what_is_not_there_or_ones_own_is_not_reported() {
    let world = World::new().await;
    for board in 0..BOARDS.len() {
        for comment in [false, true] {
            world.report(&world.kim, world.body(board, comment)).await.refused(409, "OWN_CONTENT");
        }
        let mut body = world.body(board, false);
        body["commentId"] = json!(UNKNOWN);
        world.report(&world.lee, body.clone()).await.refused(404, "CONTENT_NOT_FOUND");
        // A comment under another post.
        body["commentId"] = json!(world.posts[1 - board].2);
        world.report(&world.lee, body).await.refused(404, "CONTENT_NOT_FOUND");
        let mut body = world.body(board, true);
        body["postId"] = json!(UNKNOWN);
        world.report(&world.lee, body).await.refused(404, "CONTENT_NOT_FOUND");
    }
    for board in ["PWT", "LECTURE"] {
        let body = json!({ "board": board, "postId": UNKNOWN, "complaint": "OTHER" });
        world.report(&world.lee, body).await.refused(404, "CONTENT_NOT_FOUND");
    }
    for (changes, field) in [
        (json!({ "complaint": "BORING" }), "complaint"),
        (json!({ "board": "NEWS" }), "board"),
        (json!({ "postId": "1" }), "postId"),
        (json!({ "detail": "가".repeat(1_001) }), "detail"),
        (json!({ "state": "RESOLVED" }), "state"),
    ] {
        let mut body = world.body(0, false);
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let problem = world.report(&world.lee, body).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    assert!(world.listed("").await.is_empty());
    // Comments of a post that is gone are there for a while, and cannot be reported any more.
    let (_, post, _) = &world.posts[0];
    world.app.delete(&format!("/v1/communities/{post}")).by(&world.kim).send().await.expect(204);
    world.report(&world.lee, world.body(0, true)).await.refused(404, "CONTENT_NOT_FOUND");
}

/// Five reports of one thing by one user at once.
async fn at_once(world: &World) -> usize {
    let replies = join_all((0..5).map(|_| world.report(&world.lee, world.body(0, false)))).await;
    assert!(replies.iter().all(|reply| [200, 201].contains(&reply.status)), "{replies:?}");
    world.listed("").await.len()
}

#[tokio::test]
async fn of_many_reports_of_one_thing_at_once_there_is_one() {
    assert_eq!(at_once(&World::new().await).await, 1);
}

#[tokio::test]
async fn without_the_guard_one_thing_would_be_reported_many_times() {
    let world = World::new().await;
    world.app.wire.rule(|call| {
        call.strip_conditions("REPORTED#");
        Action::Pass
    });
    assert!(at_once(&world).await > 1);
}

/// Twelve comments to be reported, and the reporter at the start of an hour.
async fn twelve(world: &World) -> (Account, Vec<Value>) {
    let mut targets = vec![];
    for n in 0..12 {
        world.app.clock.advance(MINUTE);
        let (_, post, _) = &world.posts[0];
        let comment = json!({ "content": format!("{n}") });
        let path = format!("/v1/communities/{post}/comments");
        let said = world.app.post(&path).by(&world.kim).json(&comment).send().await.expect(201);
        let mut body = world.body(0, false);
        body["commentId"] = said["id"].clone();
        targets.push(body);
    }
    world.app.clock.advance(48 * MINUTE);
    (world.app.log_in(&world.lee).await, targets)
}

#[tokio::test]
async fn ten_reports_an_hour_are_taken() {
    let world = World::new().await;
    let (lee, targets) = twelve(&world).await;
    for target in &targets[..10] {
        world.report(&lee, target.clone()).await.expect(201);
    }
    let refused = world.report(&lee, targets[10].clone()).await;
    assert_eq!(refused.header("ratelimit-policy"), "\"report_content\";q=10;w=3600");
    refused.refused(429, "TOO_MANY_REQUESTS");
    world.report(&lee, targets[0].clone()).await.expect(200);
    world.app.clock.advance(60 * MINUTE);
    let lee = world.app.log_in(&lee).await;
    world.report(&lee, targets[10].clone()).await.expect(201);
}

#[tokio::test]
async fn without_the_windows_condition_any_number_of_reports_would_be_taken() {
    let world = World::new().await;
    let (lee, targets) = twelve(&world).await;
    world.app.wire.rule(|call| {
        call.strip_conditions("POSTING#");
        Action::Pass
    });
    for target in &targets {
        world.report(&lee, target.clone()).await.expect(201);
    }
}

#[tokio::test]
async fn a_report_is_decided_once_and_its_maker_hears_of_it() {
    let world = World::new().await;
    for (board, outcome) in [(0, "ACTED"), (1, "DISMISSED")] {
        let made = world.report(&world.lee, world.body(board, true)).await.expect(201);
        world.app.clock.advance(MINUTE);
        let resolved = world.resolve(&made["id"], outcome).await.expect(200);
        assert_eq!((&resolved["state"], &resolved["outcome"]), (&json!("RESOLVED"), &json!(outcome)));
        assert_eq!(resolved["resolvedAt"], json!(world.app.parts.clock.now()));
        assert_eq!(world.resolve(&made["id"], outcome).await.expect(200), resolved, "twice is the same");
        let otherwise = if outcome == "ACTED" { "DISMISSED" } else { "ACTED" };
        world.resolve(&made["id"], otherwise).await.refused(409, "REPORT_RESOLVED");
        assert!(world.listed("").await.is_empty());
        assert!(world.listed("?state=RESOLVED").await.contains(&resolved));
        let told: Vec<NoteKind> = world.notes(&world.lee).await.into_iter().map(|note| note.kind).collect();
        assert_eq!(told.len(), board + 1);
        assert!(told.iter().any(|kind| {
            let told = serde_json::to_value(kind).unwrap();
            told == json!({ "kind": "REPORT_RESOLVED", "reportId": made["id"], "outcome": outcome })
        }));
        assert!(world.notes(&world.kim).await.is_empty(), "whose it was is told nothing");
    }
    world.resolve(&json!(UNKNOWN), "ACTED").await.refused(404, "REPORT_NOT_FOUND");
    let unknown = format!("/v1/admin/reports/{UNKNOWN}/resolve");
    let body = json!({ "outcome": "MAYBE" });
    world.app.post(&unknown).by(&world.admin).json(&body).send().await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn who_has_left_is_told_nothing() {
    let world = World::new().await;
    let made = world.report(&world.lee, world.body(0, false)).await.expect(201);
    let gone = Write::update(keys::user(world.lee.id.parse().unwrap())).set("standing", "WITHDRAWN");
    world.app.table.write(gone).await.unwrap();
    let resolved = world.resolve(&made["id"], "ACTED").await.expect(200);
    assert_eq!(resolved["reporter"]["username"], "탈퇴한 사용자");
    assert!(world.notes(&world.lee).await.is_empty());
}

/// Two admins decide differently at once.
async fn decided_at_once(world: &World) -> usize {
    let made = world.report(&world.lee, world.body(0, false)).await.expect(201);
    let (one, other) = futures::join!(world.resolve(&made["id"], "ACTED"), world.resolve(&made["id"], "DISMISSED"));
    assert!([&one, &other].iter().all(|reply| [200, 409].contains(&reply.status)));
    world.notes(&world.lee).await.len()
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    assert_eq!(decided_at_once(&World::new().await).await, 1);
}

#[tokio::test]
async fn without_the_version_both_decisions_would_be_told() {
    let world = World::new().await;
    world.app.wire.rule(|call| {
        call.strip_conditions("\"REPORT\"");
        Action::Pass
    });
    assert_eq!(decided_at_once(&world).await, 2);
}
