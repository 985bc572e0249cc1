//! Bookmarks: one for each user and post, found again, and gone with their post or their owner.

use serde_json::{Value, json};
use storage::{Query, keys};
use testkit::{Action, Gate};

use crate::app::{Account, PASSWORD, TestApp};

const BOARDS: [(&str, &str); 2] = [("COMMUNITY", "/v1/communities"), ("PARTY", "/v1/parties")];
const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

/// The path of a new post, a minute after whatever was before.
async fn post(app: &TestApp, (word, path): (&str, &str), by: &Account, title: &str) -> String {
    let mut body = json!({ "title": title, "content": "내용", "category": "WEB_DEV", "tags": ["rust"] });
    if word == "PARTY" {
        body["capacity"] = json!(5);
    }
    app.clock.advance(60_000);
    let made = app.post(path).by(by).json(&body).send().await.expect(201);
    format!("{path}/{}", made["id"].as_str().unwrap())
}

fn bookmark((word, _): (&str, &str), post: &str) -> String {
    format!("/v1/bookmarks/{word}/{}", post.rsplit('/').next().unwrap())
}

async fn titles(app: &TestApp, by: &Account) -> Vec<String> {
    let page = app.get("/v1/users/me/bookmarks").by(by).send().await.expect(200);
    assert_eq!(page["nextCursor"], Value::Null);
    page["items"].as_array().unwrap().iter().map(|one| one["post"]["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_bookmarked_is_found_again_the_latest_first() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let mut paths = vec![];
    for (n, board) in [BOARDS[0], BOARDS[1], BOARDS[0]].into_iter().enumerate() {
        let path = post(&app, board, &kim, &n.to_string()).await;
        paths.push(bookmark(board, &path));
    }
    for path in [&paths[1], &paths[0], &paths[2]] {
        app.clock.advance(1_000);
        let made = app.put(path).by(&lee).send().await.expect(200);
        assert_eq!(made["bookmarkedAt"], json!(app.parts.clock.now()));
        app.clock.advance(1_000);
        assert_eq!(app.put(path).by(&lee).send().await.expect(200), made, "twice changes nothing");
    }
    assert_eq!(titles(&app, &lee).await, ["2", "0", "1"]);
    assert!(titles(&app, &kim).await.is_empty());
    let first = app.get("/v1/users/me/bookmarks?limit=2").by(&lee).send().await.expect(200);
    let card = &first["items"][0];
    assert_eq!((&card["board"], &card["post"]["author"]["username"]), (&json!("COMMUNITY"), &json!("kim")));
    assert_eq!((&card["post"]["tags"], &card["post"]["likeCount"]), (&json!(["rust"]), &json!(0)));
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = app.get(&format!("/v1/users/me/bookmarks?limit=2&cursor={cursor}")).by(&lee).send().await.expect(200);
    assert_eq!(rest["items"][0]["post"]["title"], "1");
    let others = app.get(&format!("/v1/users/me/bookmarks?limit=2&cursor={cursor}")).by(&kim).send().await;
    others.refused(400, "BAD_CURSOR");
    for _ in 0..2 {
        app.delete(&paths[0]).by(&lee).send().await.expect(204);
        assert_eq!(titles(&app, &lee).await, ["2", "1"]);
    }
    for board in ["COMMUNITY", "PARTY", "PWT", "LECTURE"] {
        let path = format!("/v1/bookmarks/{board}/{UNKNOWN}");
        app.put(&path).by(&lee).send().await.refused(404, "POST_NOT_FOUND");
        app.delete(&path).by(&lee).send().await.expect(204);
    }
}

#[tokio::test]
async fn a_bookmark_goes_with_its_post_also_where_that_went_while_it_was_made() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let (stays, goes) = (post(&app, board, &kim, "stays").await, post(&app, board, &kim, "goes").await);
        for path in [&stays, &goes] {
            app.put(&bookmark(board, path)).by(&lee).send().await.expect(200);
        }
        app.delete(&goes).by(&kim).send().await.expect(204);
        assert_eq!(titles(&app, &lee).await, ["stays"], "what is gone is not shown, cleared or not");
        app.drain().await;
        assert_eq!(titles(&app, &lee).await, ["stays"]);

        let (reached, goes_on) = (Gate::default(), Gate::default());
        let (told, held) = (reached.clone(), goes_on.clone());
        app.wire.rule(move |call| {
            if call.by == "add_bookmark" && call.operation == "PutItem" {
                told.open();
                return Action::Wait(held.clone());
            }
            Action::Pass
        });
        let late = post(&app, board, &kim, "late").await;
        let deleted = async {
            reached.passed().await;
            app.delete(&late).by(&kim).send().await.expect(204);
            app.drain().await;
            goes_on.open();
        };
        let path = bookmark(board, &late);
        let (made, ()) = futures::join!(app.put(&path).by(&lee).send(), deleted);
        made.expect(200);
        app.wire.clear();
        let partition = || Query::partition(format!("{}#{}", board.0, late.rsplit('/').next().unwrap()), "");
        assert_eq!(app.table.all_mixed(&partition(), 9).await.unwrap().len(), 1);
        app.drain().await;
        assert_eq!(app.table.all_mixed(&partition(), 9).await.unwrap().len(), 0);
        app.delete(&bookmark(board, &stays)).by(&lee).send().await.expect(204);
    }
}

#[tokio::test]
async fn who_withdraws_leaves_no_bookmarks() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let path = post(&app, board, &kim, "제목").await;
        app.put(&bookmark(board, &path)).by(&lee).send().await.expect(200);
    }
    let own = Query::index("gsi2", keys::bookmarks_of(lee.id.parse().unwrap()));
    assert_eq!(app.table.all_mixed(&own, 9).await.unwrap().len(), 2);
    app.post("/v1/auth/withdraw").by(&lee).json(&json!({ "password": PASSWORD })).send().await.expect(204);
    assert_eq!(app.table.all_mixed(&own, 9).await.unwrap().len(), 0);
}
