//! Files of posts, on both boards.

use domain::attachments::AttachmentState::{self, Ready, Released, Used};
use futures::future::join;
use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::attachments::{ask, ready, stored, wanted};
use crate::app::{Account, Reply, TestApp};

const MINUTE: i64 = 60_000;

/// A board: its path, its word, and what its posts have to say beyond others.
const BOARDS: [Board; 2] =
    [("/v1/communities", "COMMUNITY", |_| {}), ("/v1/parties", "PARTY", |body| body["capacity"] = json!(5))];

type Board = (&'static str, &'static str, fn(&mut Value));

/// Posts with these files, a minute after whatever was before.
async fn post(app: &TestApp, (path, _, complete): Board, by: &Account, files: &[&Value]) -> Reply {
    app.clock.advance(MINUTE);
    try_to_post(app, (path, "", complete), by, files).await
}

async fn try_to_post(app: &TestApp, (path, _, complete): Board, by: &Account, files: &[&Value]) -> Reply {
    let mut body = json!({ "title": "제목", "content": "내용", "category": "ETC", "attachmentIds": ids(files) });
    complete(&mut body);
    app.post(path).by(by).json(&body).send().await
}

fn ids(files: &[&Value]) -> Vec<Value> {
    files.iter().map(|file| file["id"].clone()).collect()
}

/// The files that a detail shows.
fn shown(post: &Value) -> Vec<Value> {
    post["attachments"].as_array().unwrap().iter().map(|file| file["id"].clone()).collect()
}

async fn states(app: &TestApp, files: &[&Value]) -> Vec<AttachmentState> {
    let mut found = vec![];
    for file in files {
        found.push(stored(app, file).await.unwrap().state);
    }
    found
}

#[tokio::test]
async fn files_of_a_post_are_shown_in_their_order_changed_and_released_with_it() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let (path, word, _) = board;
        let mut files = vec![];
        for _ in 0..4 {
            files.push(ready(&app, &kim, word).await);
        }
        let [a, b, c, d] = [0, 1, 2, 3].map(|n: usize| &files[n]);
        let made = post(&app, board, &kim, &[b, a]).await;
        let location = made.header("location").to_owned();
        let made = made.expect(201);
        let expected = json!({
            "id": b["id"], "url": b["url"], "contentType": "image/png", "width": 3, "height": 2,
        });
        assert_eq!((&made["attachments"][0], shown(&made)), (&expected, ids(&[b, a])));
        assert_eq!(states(&app, &[a, b, c, d]).await, [Used, Used, Ready, Ready]);
        let partition = format!("{word}#{}", made["id"].as_str().unwrap());
        assert_eq!(stored(&app, a).await.unwrap().used_by, Some(partition));
        assert_eq!(app.get(&location).send().await.expect(200), made);
        let listed = app.get(path).send().await.expect(200)["items"][0].clone();
        assert!(listed.get("attachments").is_none(), "{listed}");

        let change = async |body: Value| app.patch(&location).by(&kim).json(&body).send().await;
        let changed = change(json!({ "title": "새 제목" })).await.expect(200);
        assert_eq!(shown(&changed), ids(&[b, a]));
        let changed = change(json!({ "attachmentIds": ids(&[c, d, b]) })).await.expect(200);
        assert_eq!(shown(&changed), ids(&[c, d, b]));
        assert_eq!(states(&app, &[a, b, c, d]).await, [Released, Used, Used, Used]);
        // What was dropped does not come back.
        let refused = change(json!({ "attachmentIds": ids(&[a, b]) })).await.refused(404, "ATTACHMENT_NOT_FOUND");
        assert_eq!(refused["attachmentId"], a["id"]);
        let changed = change(json!({ "attachmentIds": ids(&[b, c]) })).await.expect(200);
        assert_eq!((shown(&changed), states(&app, &[d]).await), (ids(&[b, c]), vec![Released]));

        let admin = app.admin(&format!("admin-{word}")).await;
        app.delete(&location).by(&admin).send().await.expect(204);
        assert_eq!(states(&app, &[b, c]).await, [Released, Released]);
    }
}

#[tokio::test]
async fn files_are_used_all_or_none() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let (path, word, _) = board;
        app.clock.advance(MINUTE);
        let (kim, lee) = (app.log_in(&kim).await, app.log_in(&lee).await);
        let own = ready(&app, &kim, word).await;
        let used = ready(&app, &kim, word).await;
        let lees = ready(&app, &lee, word).await;
        let picture = ready(&app, &kim, "PROFILE").await;
        let pending = ask(&app, &kim, &wanted(word, "a.png", "image/png", 9)).await.expect(201);
        let other = post(&app, board, &kim, &[&used]).await.expect(201);
        let location = format!("{path}/{}", post(&app, board, &kim, &[]).await.expect(201)["id"].as_str().unwrap());
        for (file, status, code) in [
            (&json!({ "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y" }), 404, "ATTACHMENT_NOT_FOUND"),
            (&lees, 404, "ATTACHMENT_NOT_FOUND"),
            (&pending, 409, "ATTACHMENT_NOT_READY"),
            (&used, 409, "ATTACHMENT_IN_USE"),
            (&picture, 409, "ATTACHMENT_FOR_ANOTHER_PURPOSE"),
        ] {
            let problem = post(&app, board, &kim, &[&own, file]).await.refused(status, code);
            assert_eq!(problem["attachmentId"], file["id"]);
            let change = json!({ "attachmentIds": ids(&[&own, file]) });
            let problem = app.patch(&location).by(&kim).json(&change).send().await.refused(status, code);
            assert_eq!(problem["attachmentId"], file["id"]);
        }
        assert_eq!(states(&app, &[&own, &lees, &used, &picture]).await, [Ready, Ready, Used, Ready]);
        let listed = app.get(path).send().await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
        assert_eq!(shown(&app.get(&location).send().await.expect(200)), Vec::<Value>::new());
        assert_eq!(shown(&other), ids(&[&used]));
        for (wrong, field, code) in [
            (json!([own["id"], own["id"]]), "attachmentIds[1]", "REPEATED"),
            (json!([own["id"], "x"]), "attachmentIds[1]", "NOT_AN_ID"),
            (json!(own["id"]), "attachmentIds", "WRONG_TYPE"),
        ] {
            let problem = app.patch(&location).by(&kim).json(&json!({ "attachmentIds": wrong })).send().await;
            let problem = problem.refused(400, "VALIDATION_FAILED");
            assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!(field), &json!(code)));
        }
    }
}

#[tokio::test]
async fn a_post_with_files_is_answered_alike_however_often_and_fast_it_is_sent() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let (path, word, complete) = board;
        let file = ready(&app, &kim, word).await;
        let mut body = json!({ "title": "제목", "content": "내용", "category": "ETC", "attachmentIds": ids(&[&file]) });
        complete(&mut body);
        let send = async || app.post(path).by(&kim).header("idempotency-key", word).json(&body).send().await;
        let (reached, gate) = (Gate::default(), Gate::default());
        let (tell, wait) = (reached.clone(), gate.clone());
        let mut is_first = true;
        app.wire.rule(move |call| {
            let writes = call.by.starts_with("create_") && call.operation == "TransactWriteItems";
            if writes && std::mem::take(&mut is_first) {
                tell.open();
                return Action::Wait(wait.clone());
            }
            Action::Pass
        });
        let meanwhile = async {
            reached.passed().await;
            let made = send().await.expect(201);
            gate.open();
            made
        };
        let (held, made) = join(send(), meanwhile).await;
        app.wire.clear();
        // The file is used by then, by this very post.
        for repeat in [held, send().await] {
            assert_eq!((repeat.header("idempotent-replayed"), &repeat.body), ("true", &made));
        }
        assert_eq!(states(&app, &[&file]).await, [Used]);
    }
}

/// Two posts at once with one file: how the first of them, which is held before it is written, is answered.
async fn two_posts_of_one_file(app: &TestApp, board: Board) -> (Reply, Value) {
    let kim = app.sign_up(&format!("kim-{}", board.1)).await;
    let file = ready(app, &kim, board.1).await;
    app.clock.advance(MINUTE);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (tell, wait) = (reached.clone(), gate.clone());
    let mut is_first = true;
    app.wire.rule(move |call| {
        let creates = call.by.starts_with("create_") && call.operation == "TransactWriteItems";
        if creates && std::mem::take(&mut is_first) {
            tell.open();
            return Action::Wait(wait.clone());
        }
        Action::Pass
    });
    let meanwhile = async {
        reached.passed().await;
        let second = try_to_post(app, board, &kim, &[&file]).await.expect(201);
        gate.open();
        second
    };
    let answers = join(try_to_post(app, board, &kim, &[&file]), meanwhile).await;
    app.wire.clear();
    answers
}

#[tokio::test]
async fn a_file_is_used_by_one_post_however_many_are_written_at_once() {
    let app = TestApp::start().await;
    for board in BOARDS {
        let (first, second) = two_posts_of_one_file(&app, board).await;
        first.refused(409, "ATTACHMENT_IN_USE");
        assert_eq!(shown(&second).len(), 1);
    }
}

#[tokio::test]
async fn without_the_condition_on_the_file_two_posts_would_use_it() {
    for board in BOARDS {
        let app = TestApp::start().await;
        app.wire.standing_rule(|call| {
            if call.by.starts_with("create_") && call.by.ends_with("_post") {
                call.strip_conditions("ATTACHMENT#");
            }
            Action::Pass
        });
        let (first, second) = two_posts_of_one_file(&app, board).await;
        assert_eq!(shown(&first.expect(201)), shown(&second));
    }
}

/// A file that moves on between a look at it and the change that uses it.
#[tokio::test]
async fn a_change_of_a_post_loses_to_whoever_took_its_file() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in BOARDS {
        let file = ready(&app, &kim, board.1).await;
        let made = post(&app, board, &kim, &[]).await.expect(201);
        let location = format!("{}/{}", board.0, made["id"].as_str().unwrap());
        let (reached, gate) = (Gate::default(), Gate::default());
        let (tell, wait) = (reached.clone(), gate.clone());
        let mut is_first = true;
        app.wire.rule(move |call| {
            if call.by.starts_with("update_") && call.operation == "TransactWriteItems" && std::mem::take(&mut is_first)
            {
                tell.open();
                return Action::Wait(wait.clone());
            }
            Action::Pass
        });
        let path = format!("/v1/attachments/{}", file["id"].as_str().unwrap());
        let meanwhile = async {
            reached.passed().await;
            app.delete(&path).by(&kim).send().await.expect(204);
            gate.open();
        };
        let change = json!({ "title": "새 제목", "attachmentIds": ids(&[&file]) });
        let (changed, ()) = join(app.patch(&location).by(&kim).json(&change).send(), meanwhile).await;
        changed.refused(404, "ATTACHMENT_NOT_FOUND");
        app.wire.clear();
        let post = app.get(&location).send().await.expect(200);
        assert_eq!((&post["title"], &post["version"]), (&json!("제목"), &json!(1)));
    }
}
