//! The community board: the accepted answer, and what is unanswered.

use serde_json::{Value, json};
use testkit::{Action, Gate};

use crate::app::{Account, Reply, TestApp};

const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

/// A question of kim's, with a comment of lee's.
struct Asked {
    app: TestApp,
    kim: Account,
    lee: Account,
    admin: Account,
    post: String,
    comment: String,
}

impl Asked {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
        let post = ask(&app, &kim, "질문").await;
        let comment = answer(&app, &post, &lee).await;
        Self { app, kim, lee, admin, post, comment }
    }

    async fn accept(&self, by: &Account, comment: Option<&str>) -> Reply {
        let path = format!("{}/accepted-comment", self.post);
        self.app.put(&path).by(by).json(&json!({ "commentId": comment })).send().await
    }

    async fn delete(&self, by: &Account) -> Reply {
        self.app.delete(&format!("{}/comments/{}", self.post, self.comment)).by(by).send().await
    }

    /// Status and accepted comment.
    async fn stands(&self) -> (String, Value) {
        let post = self.app.get(&self.post).send().await.expect(200);
        (post["status"].as_str().unwrap().to_owned(), post["acceptedCommentId"].clone())
    }

    fn solved(&self) -> (String, Value) {
        ("SOLVED".to_owned(), json!(self.comment))
    }
}

fn unsolved() -> (String, Value) {
    ("UNSOLVED".to_owned(), Value::Null)
}

async fn ask(app: &TestApp, by: &Account, title: &str) -> String {
    let body = json!({ "title": title, "content": "내용", "category": "WEB_DEV" });
    let made = app.post("/v1/communities").by(by).json(&body).send().await.expect(201);
    format!("/v1/communities/{}", made["id"].as_str().unwrap())
}

async fn answer(app: &TestApp, post: &str, by: &Account) -> String {
    let made = app.post(&format!("{post}/comments")).by(by).json(&json!({ "content": "답변" })).send().await;
    made.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn accept_comment_solves_the_question_and_can_be_taken_back() {
    let asked = Asked::new().await;
    assert_eq!(asked.stands().await, unsolved());
    let accepted = asked.accept(&asked.kim, Some(&asked.comment)).await;
    assert_eq!(accepted.header("etag"), "\"2\"");
    assert_eq!(accepted.expect(200), asked.app.get(&asked.post).send().await.expect(200));
    assert_eq!(asked.stands().await, asked.solved());
    // Once more changes nothing.
    assert_eq!(asked.accept(&asked.kim, Some(&asked.comment)).await.header("etag"), "\"2\"");
    let other = answer(&asked.app, &asked.post, &asked.kim).await;
    asked.accept(&asked.kim, Some(&other)).await.expect(200);
    assert_eq!(asked.stands().await, ("SOLVED".to_owned(), json!(other)));
    asked.accept(&asked.kim, None).await.expect(200);
    assert_eq!(asked.stands().await, unsolved());
}

#[tokio::test]
async fn accept_comment_is_the_authors_and_takes_comments_of_the_post_only() {
    let asked = Asked::new().await;
    for other in [&asked.lee, &asked.admin] {
        asked.accept(other, Some(&asked.comment)).await.refused(403, "FORBIDDEN");
    }
    asked.accept(&asked.kim, Some(UNKNOWN)).await.refused(404, "COMMENT_NOT_FOUND");
    let elsewhere = ask(&asked.app, &asked.kim, "다른 질문").await;
    let of_another = answer(&asked.app, &elsewhere, &asked.lee).await;
    asked.accept(&asked.kim, Some(&of_another)).await.refused(404, "COMMENT_NOT_FOUND");
    let path = format!("{}/accepted-comment", asked.post);
    for body in [json!({}), json!({ "commentId": "x" }), json!({ "commentId": 5 })] {
        let reply = asked.app.put(&path).by(&asked.kim).json(&body).send().await;
        assert_eq!(reply.refused(400, "VALIDATION_FAILED")["errors"][0]["field"], "commentId");
    }
    let nowhere = format!("/v1/communities/{UNKNOWN}/accepted-comment");
    let body = json!({ "commentId": asked.comment });
    asked.app.put(&nowhere).by(&asked.kim).json(&body).send().await.refused(404, "POST_NOT_FOUND");
    assert_eq!(asked.stands().await, unsolved());
}

#[tokio::test]
async fn the_status_and_the_accepted_comment_never_contradict() {
    let asked = Asked::new().await;
    let mark = |status| asked.app.patch(&asked.post).by(&asked.kim).json(&json!({ "status": status })).send();
    mark("SOLVED").await.expect(200);
    assert_eq!(asked.stands().await, ("SOLVED".to_owned(), Value::Null));
    asked.accept(&asked.kim, Some(&asked.comment)).await.expect(200);
    mark("SOLVED").await.expect(200);
    assert_eq!(asked.stands().await, asked.solved());
    mark("UNSOLVED").await.expect(200);
    assert_eq!(asked.stands().await, unsolved());
    mark("RECRUITING").await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn deleting_the_accepted_comment_unsolves_the_question() {
    let asked = Asked::new().await;
    let other = answer(&asked.app, &asked.post, &asked.kim).await;
    asked.accept(&asked.kim, Some(&asked.comment)).await.expect(200);
    asked.app.delete(&format!("{}/comments/{other}", asked.post)).by(&asked.kim).send().await.expect(204);
    assert_eq!(asked.stands().await, asked.solved());
    asked.delete(&asked.lee).await.expect(204);
    assert_eq!(asked.stands().await, unsolved());
    let post = asked.app.get(&asked.post).send().await.expect(200);
    assert_eq!((&post["commentCount"], &post["version"]), (&json!(0), &json!(3)));
}

/// The comment is accepted after its deletion was decided on and before that is written.
async fn accept_while_deleting(asked: &Asked) -> (Reply, Reply) {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (at_it, held, mut first) = (reached.clone(), gate.clone(), true);
    asked.app.wire.rule(move |call| {
        if call.by != "delete_community_comment" || call.operation != "TransactWriteItems" || !first {
            return Action::Pass;
        }
        first = false;
        at_it.open();
        Action::Wait(held.clone())
    });
    let accepting = async {
        reached.passed().await;
        let accepted = asked.accept(&asked.kim, Some(&asked.comment)).await;
        gate.open();
        accepted
    };
    futures::join!(accepting, asked.delete(&asked.lee))
}

#[tokio::test]
async fn a_comment_accepted_while_it_is_deleted_is_not_the_answer() {
    let asked = Asked::new().await;
    let (accepted, deleted) = accept_while_deleting(&asked).await;
    assert_eq!((accepted.status, deleted.status), (200, 204));
    assert_eq!(asked.stands().await, unsolved());
}

#[tokio::test]
async fn without_the_posts_version_a_deleted_comment_would_stay_the_answer() {
    let asked = Asked::new().await;
    asked.app.wire.rule(|call| {
        if call.by == "delete_community_comment" {
            call.strip_conditions("\"POST\"");
        }
        Action::Pass
    });
    accept_while_deleting(&asked).await;
    assert_eq!(asked.stands().await, asked.solved());
}

/// The comment is deleted after its acceptance was decided on and before that is written.
async fn delete_while_accepting(asked: &Asked) -> (Reply, Reply) {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (at_it, held) = (reached.clone(), gate.clone());
    asked.app.wire.rule(move |call| {
        if call.by != "accept_comment" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        at_it.open();
        Action::Wait(held.clone())
    });
    let deleting = async {
        reached.passed().await;
        let deleted = asked.delete(&asked.lee).await;
        gate.open();
        deleted
    };
    futures::join!(deleting, asked.accept(&asked.kim, Some(&asked.comment)))
}

#[tokio::test]
async fn a_comment_deleted_while_it_is_accepted_is_not_the_answer() {
    let asked = Asked::new().await;
    let (deleted, accepted) = delete_while_accepting(&asked).await;
    assert_eq!(deleted.status, 204);
    accepted.refused(404, "COMMENT_NOT_FOUND");
    assert_eq!(asked.stands().await, unsolved());
}

#[tokio::test]
async fn without_the_look_at_the_comment_a_deleted_one_would_be_accepted() {
    let asked = Asked::new().await;
    asked.app.wire.rule(|call| {
        if call.by == "accept_comment" {
            call.strip_conditions("COMMENT#");
        }
        Action::Pass
    });
    let (_, accepted) = delete_while_accepting(&asked).await;
    assert_eq!(accepted.status, 200);
    assert_eq!(asked.stands().await, asked.solved());
}

#[tokio::test]
async fn list_community_posts_finds_what_nobody_has_commented_on() {
    let asked = Asked::new().await;
    asked.app.clock.advance(1_000);
    let lonely = ask(&asked.app, &asked.kim, "답이 없는 질문").await;
    let unanswered = |query: &str| {
        let call = asked.app.get(&format!("/v1/communities?{query}"));
        async move {
            let page = call.send().await.expect(200);
            page["items"].as_array().unwrap().iter().map(|post| post["title"].clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(unanswered("unanswered=true").await, ["답이 없는 질문"]);
    assert_eq!(unanswered("unanswered=false").await, ["답이 없는 질문", "질문"]);
    assert_eq!(unanswered("unanswered=true&category=WEB_DEV&status=UNSOLVED").await, ["답이 없는 질문"]);
    answer(&asked.app, &lonely, &asked.lee).await;
    assert!(unanswered("unanswered=true").await.is_empty());
    asked.app.get("/v1/communities?unanswered=1").send().await.refused(400, "VALIDATION_FAILED");
}
