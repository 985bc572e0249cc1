//! Boards in another order than by age: by likes, and only what nobody has commented on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use storage::Query;
use testkit::{Action, Gate};

use crate::app::{Account, TestApp};

const MINUTE: i64 = 60_000;

/// A board: its word, its path, and where its posts stand once they are done with.
type Board = (&'static str, &'static str, &'static str);

const BOARDS: [Board; 2] = [("COMMUNITY", "/v1/communities", "SOLVED"), ("PARTY", "/v1/parties", "COMPLETED")];

/// The id of a new post, a minute after whatever was before.
async fn post(app: &TestApp, (word, path, _): Board, by: &Account, title: &str, category: &str) -> String {
    let mut body = json!({ "title": title, "content": "내용", "category": category });
    if word == "PARTY" {
        body["capacity"] = json!(5);
    }
    app.clock.advance(MINUTE);
    app.post(path).by(by).json(&body).send().await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn like(app: &TestApp, (word, ..): Board, id: &str, by: &[&Account]) {
    for one in by {
        app.put(&format!("/v1/likes/{word}/{id}")).by(one).send().await.expect(200);
    }
}

async fn page(app: &TestApp, (_, path, _): Board, query: &str) -> Value {
    app.get(&format!("{path}?{query}")).send().await.expect(200)
}

/// The titles of all pages, and how many likes each shows.
async fn read(app: &TestApp, board: Board, query: &str) -> Vec<(String, u64)> {
    let (mut titles, mut cursor) = (vec![], String::new());
    loop {
        let page = page(app, board, &format!("{query}{cursor}")).await;
        for item in page["items"].as_array().unwrap() {
            titles.push((item["title"].as_str().unwrap().to_owned(), item["likeCount"].as_u64().unwrap()));
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return titles,
        }
    }
}

fn titles(read: &[(String, u64)]) -> Vec<&str> {
    read.iter().map(|(title, _)| title.as_str()).collect()
}

#[tokio::test]
async fn a_board_is_read_by_likes_and_by_what_is_unanswered() {
    let app = TestApp::start().await;
    let (kim, lee, choi) = (app.sign_up("kim").await, app.sign_up("lee").await, app.sign_up("choi").await);
    for board in BOARDS {
        let kim = app.log_in(&kim).await;
        let mut ids = vec![];
        for (n, category) in ["WEB_DEV", "ETC", "WEB_DEV", "ETC"].into_iter().enumerate() {
            ids.push(post(&app, board, &kim, &n.to_string(), category).await);
        }
        let (lee, choi) = (app.log_in(&lee).await, app.log_in(&choi).await);
        like(&app, board, &ids[0], &[&lee, &choi]).await;
        like(&app, board, &ids[1], &[&lee]).await;
        let path = |n: usize| format!("{}/{}", board.1, ids[n]);
        app.post(&format!("{}/comments", path(3))).by(&lee).json(&json!({ "content": "?" })).send().await.expect(201);
        app.drain().await;

        let liked = read(&app, board, "sort=MOST_LIKED&limit=2").await;
        assert_eq!(titles(&liked), ["0", "1", "3", "2"], "the newest first where as many like them");
        assert_eq!(liked.iter().map(|(_, likes)| *likes).collect::<Vec<_>>(), [2, 1, 0, 0]);
        assert_eq!(titles(&read(&app, board, "sort=MOST_LIKED&category=ETC&limit=1").await), ["1", "3"]);
        assert_eq!(titles(&read(&app, board, "sort=UNANSWERED&limit=1").await), ["2", "1", "0"]);
        assert_eq!(titles(&read(&app, board, "sort=UNANSWERED&category=WEB_DEV").await), ["2", "0"]);
        assert_eq!(titles(&read(&app, board, "sort=NEWEST").await), ["3", "2", "1", "0"]);

        // What changes, moves: likes that are taken back, comments, states, categories, titles, deletions.
        app.delete(&format!("/v1/likes/{}/{}", board.0, ids[0])).by(&lee).send().await.expect(204);
        app.delete(&format!("/v1/likes/{}/{}", board.0, ids[0])).by(&choi).send().await.expect(204);
        app.post(&format!("{}/comments", path(2))).by(&lee).json(&json!({ "content": "?" })).send().await.expect(201);
        app.patch(&path(1))
            .by(&kim)
            .json(&json!({ "status": board.2, "category": "WEB_DEV", "title": "eins" }))
            .send()
            .await
            .expect(200);
        app.delete(&path(3)).by(&kim).send().await.expect(204);
        app.drain().await;
        assert_eq!(titles(&read(&app, board, "sort=MOST_LIKED&limit=1").await), ["eins", "2", "0"]);
        assert_eq!(titles(&read(&app, board, "sort=MOST_LIKED&category=ETC").await), Vec::<&str>::new());
        assert_eq!(titles(&read(&app, board, &format!("sort=MOST_LIKED&status={}", board.2)).await), ["eins"]);
        assert_eq!(titles(&read(&app, board, "sort=UNANSWERED").await), ["eins", "0"]);

        // A cursor is of its order, and of its board.
        let cursor = page(&app, board, "sort=MOST_LIKED&limit=1").await["nextCursor"].as_str().unwrap().to_owned();
        for other in ["sort=UNANSWERED&limit=1", "sort=NEWEST&limit=1", "limit=1"] {
            let path = format!("{}?{other}&cursor={cursor}", board.1);
            app.get(&path).send().await.refused(400, "BAD_CURSOR");
        }
        app.get(&format!("{}?sort=OLDEST", board.1)).send().await.refused(400, "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn a_list_stays_as_it_is_when_the_stream_is_played_again() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let board = BOARDS[0];
    let ids = [post(&app, board, &kim, "0", "ETC").await, post(&app, board, &kim, "1", "ETC").await];
    like(&app, board, &ids[0], &[&lee, &kim]).await;
    let gone = post(&app, board, &kim, "2", "ETC").await;
    app.drain().await;
    app.delete(&format!("{}/{gone}", board.1)).by(&kim).send().await.expect(204);
    app.drain().await;
    let before = (read(&app, board, "sort=MOST_LIKED").await, read(&app, board, "sort=UNANSWERED").await);
    let again = app.replay(app.event_router().await).await;
    app.wire.take_calls();
    assert_eq!(Box::pin(again.drain()).await.unwrap().failed, 0);
    let wrote =
        app.wire.take_calls().into_iter().any(|call| call.by == "event_router" && call.operation.contains("Write"));
    assert!(!wrote, "there is nothing to do");
    assert_eq!((read(&app, board, "sort=MOST_LIKED").await, read(&app, board, "sort=UNANSWERED").await), before);
    let left = Query::partition(format!("{}#{gone}", board.0), "");
    assert!(app.table.all_mixed(&left, 9).await.unwrap().is_empty(), "what is gone is not listed again");
}

/// A router that is slow lists what it saw after another one has listed what came since, and ends there.
async fn overtaken(board: Board, checked: bool) -> Vec<(String, u64)> {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let id = post(&app, board, &kim, "0", "ETC").await;
    let [reached, goes_on, over, never] = [(); 4].map(|()| Gate::default());
    let (told, held, ended) = (reached.clone(), goes_on.clone(), over.clone());
    let dead = Arc::new(AtomicBool::new(false));
    let is_dead = dead.clone();
    let mut first = true;
    app.wire.rule(move |call| {
        if call.by != "event_router" {
            return Action::Pass;
        }
        if is_dead.load(Ordering::Relaxed) {
            ended.open();
            return Action::Wait(never.clone());
        }
        if !checked {
            call.strip_conditions("\"POST\"");
        }
        if first && call.operation == "TransactWriteItems" {
            first = false;
            told.open();
            return Action::Wait(held.clone());
        }
        Action::Pass
    });
    let slow = app.replay(app.event_router().await).await;
    let faster = async {
        reached.passed().await;
        like(&app, board, &id, &[&lee]).await;
        assert_eq!(app.drain().await.failed, 0);
        dead.store(true, Ordering::Relaxed);
        goes_on.open();
    };
    let slow = async {
        tokio::select! {
            biased;
            () = over.passed() => {}
            played = Box::pin(slow.drain()) => panic!("{played:?}"),
        }
    };
    futures::join!(slow, faster);
    app.wire.clear();
    read(&app, board, "sort=MOST_LIKED").await
}

#[tokio::test]
async fn who_is_overtaken_lists_nothing_that_is_over() {
    for board in BOARDS {
        assert_eq!(overtaken(board, true).await, [("0".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn without_the_posts_rev_who_is_overtaken_lists_what_is_over() {
    for board in BOARDS {
        assert_eq!(overtaken(board, false).await, [("0".to_owned(), 0)]);
    }
}
