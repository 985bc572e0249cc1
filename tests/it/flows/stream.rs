//! The table's stream: what follows from a change follows once it is played, however often and from wherever.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use devloop_local::{queues::STREAM_DEAD_LETTERS, stream::MOST_RETRIES};
use domain::{boards::Board, ids::PostId};
use serde_json::{Value, json};
use storage::{Query, Write, items::Comment, keys};
use testkit::{Action, Gate};
use worker::{Failures, Handler};

use crate::app::{Account, TestApp};

const BOARDS: [(Board, &str); 2] = [(Board::Community, "/v1/communities"), (Board::Party, "/v1/parties")];

fn key(board: Board, path: &str) -> String {
    let id: PostId = path.rsplit('/').next().unwrap().parse().unwrap();
    keys::post_partition(board, id)
}

/// A post with a comment and, at a party, somebody who wants to join it.
async fn post(app: &TestApp, (board, path): (Board, &str), by: &Account, other: &Account) -> String {
    let mut body = json!({ "title": "제목", "content": "내용", "category": "WEB_DEV" });
    if board == Board::Party {
        body["capacity"] = json!(5);
    }
    app.clock.advance(60_000);
    let made = app.post(path).by(by).json(&body).send().await.expect(201);
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    app.post(&format!("{path}/comments")).by(other).json(&json!({ "content": "댓글" })).send().await.expect(201);
    if board == Board::Party {
        app.post(&format!("{path}/applications")).by(other).json(&json!({})).send().await.expect(201);
    }
    path
}

/// How many items are in a post's partition.
async fn left(app: &TestApp, board: Board, path: &str) -> usize {
    app.table.all_mixed(&Query::partition(key(board, path), ""), usize::MAX).await.unwrap().len()
}

/// More comments than one transaction deletes, by other means than one by one through the door.
async fn add_comments(app: &TestApp, board: Board, path: &str, by: &Account, count: usize) {
    let ids = app.parts.edge(app.table.clone()).unwrap().ids;
    for _ in 0..count {
        let comment = Comment {
            id: ids.id(),
            board,
            post_id: path.rsplit('/').next().unwrap().parse().unwrap(),
            author_id: by.id.parse().unwrap(),
            content: "댓글".parse().unwrap(),
            created_at: app.parts.clock.now(),
            edited_at: None,
            version: 1,
        };
        app.table.write(Write::put(&comment)).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_post_takes_along_what_hangs_on_it_and_nothing_else() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let (gone, stays) = (post(&app, board, &kim, &lee).await, post(&app, board, &kim, &lee).await);
        app.drain().await;
        let before = left(&app, board.0, &stays).await;
        assert_eq!(left(&app, board.0, &gone).await, before);
        app.delete(&gone).by(&kim).send().await.expect(204);
        assert!(left(&app, board.0, &gone).await > 0, "not at once");
        assert_eq!(app.drain().await.failed, 0);
        assert_eq!(left(&app, board.0, &gone).await, 0);
        assert_eq!(left(&app, board.0, &stays).await, before);
        let comments = app.get(&format!("{stays}/comments")).send().await.expect(200);
        assert_eq!(comments["items"].as_array().unwrap().len(), 1);
    }
}

/// Holds the `n`th call of the event-router from now on, before it has any effect, and tells that it has come so far.
fn stop_at(app: &TestApp, n: usize) -> (Gate, Gate) {
    let (reached, never) = (Gate::default(), Gate::default());
    let (told, held) = (reached.clone(), never.clone());
    let mut calls = 0;
    app.wire.rule(move |call| {
        if call.by != "event_router" {
            return Action::Pass;
        }
        calls += 1;
        if calls < n {
            return Action::Pass;
        }
        told.open();
        Action::Wait(held.clone())
    });
    (reached, never)
}

/// A deletion whose consequence is cut off at every single call, each time by another try.
#[tokio::test]
async fn clearing_goes_on_where_it_was_cut_off() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let path = post(&app, board, &kim, &lee).await;
        add_comments(&app, board.0, &path, &lee, 120).await;
        app.drain().await;
        app.delete(&path).by(&kim).send().await.expect(204);
        let (mut cuts, mut seen) = (0, left(&app, board.0, &path).await);
        loop {
            // The second call of each try is the first that deletes: one batch goes, the next is cut off.
            let (reached, _never) = stop_at(&app, 1 + cuts % 4);
            let cut = tokio::select! {
                biased;
                played = app.drain() => {
                    assert_eq!(played.failed, 0);
                    false
                }
                () = reached.passed() => true,
            };
            app.wire.clear();
            let now = left(&app, board.0, &path).await;
            assert!(now <= seen);
            seen = now;
            if !cut {
                break;
            }
            cuts += 1;
            assert!(cuts < 40, "it gets nowhere");
        }
        assert_eq!(seen, 0);
        assert!(cuts >= 4, "{cuts}");
    }
}

/// A mapping that does not come again with what failed.
fn forgetful(router: Handler) -> Handler {
    Arc::new(move |woken| {
        let answer = router(woken);
        Box::pin(async move {
            drop(answer.await);
            Ok(Failures::default())
        })
    })
}

#[tokio::test]
async fn without_going_on_a_clearing_that_was_cut_off_leaves_orphans() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let board = BOARDS[0];
    let path = post(&app, board, &kim, &lee).await;
    add_comments(&app, board.0, &path, &lee, 120).await;
    app.delete(&path).by(&kim).send().await.expect(204);
    let before = left(&app, board.0, &path).await;
    let deletes = Arc::new(AtomicUsize::new(0));
    let counted = deletes.clone();
    app.wire.rule(move |call| {
        let deletes = call.by == "event_router" && call.mentions("\"Delete\"");
        if deletes && counted.fetch_add(1, Ordering::Relaxed) == 1 {
            return Action::Refuse { status: 400, code: "ValidationException" };
        }
        Action::Pass
    });
    let pump = app.replay(forgetful(app.event_router().await)).await;
    assert_eq!(Box::pin(pump.drain()).await.unwrap().failed, 0);
    app.wire.clear();
    Box::pin(pump.drain()).await.unwrap();
    assert_eq!(left(&app, board.0, &path).await, before - 50, "orphans that nobody comes back for");
    assert_eq!(app.drain().await.failed, 0);
    assert_eq!(left(&app, board.0, &path).await, 0);
}

/// What a record says of a post is not believed: the post is looked at.
#[tokio::test]
async fn nothing_of_a_post_that_is_there_is_deleted_whatever_a_record_says() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let board = BOARDS[0];
    let path = post(&app, board, &kim, &lee).await;
    app.drain().await;
    let lie = json!({ "Records": [{
        "eventSource": "aws:dynamodb", "eventName": "REMOVE",
        "dynamodb": { "SequenceNumber": "1", "Keys": { "pk": { "S": key(board.0, &path) }, "sk": { "S": "POST" } } },
    }] });
    let told = async || {
        let router = app.event_router().await;
        router(worker::Woken::read(lie.clone()).unwrap()).await.unwrap();
        app.get(&format!("{path}/comments")).send().await.expect(200)["items"].as_array().unwrap().len()
    };
    assert_eq!(told().await, 1);
    app.wire.rule(|call| {
        call.strip_conditions("COMMUNITY#");
        Action::Pass
    });
    assert_eq!(told().await, 0, "without the check it is believed");
}

#[tokio::test]
async fn a_record_that_keeps_failing_is_found_among_others_and_given_up_in_the_end() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let board = BOARDS[0];
    let (poisoned, healthy) = (post(&app, board, &kim, &lee).await, post(&app, board, &kim, &lee).await);
    app.drain().await;
    for path in [&poisoned, &healthy] {
        app.delete(path).by(&kim).send().await.expect(204);
    }
    let partition = key(board.0, &poisoned);
    app.wire.rule(move |call| {
        let struck = call.by == "event_router" && call.mentions(&partition);
        if struck { Action::Refuse { status: 400, code: "ValidationException" } } else { Action::Pass }
    });
    for _ in 0..MOST_RETRIES {
        let played = app.drain().await;
        assert_eq!((played.failed, played.given_up), (1, 0));
    }
    let shown = app.stream.shown().await.unwrap();
    assert_eq!(shown[0].failures, MOST_RETRIES);
    assert!(shown[0].behind_seconds.is_some());
    let played = app.drain().await;
    assert_eq!((played.failed, played.given_up), (0, 1));
    assert_eq!(left(&app, board.0, &healthy).await, 0);
    assert!(left(&app, board.0, &poisoned).await > 0);
    assert_eq!(app.stream.shown().await.unwrap()[0].behind_seconds, None);

    let letters = app.sqs.receive(STREAM_DEAD_LETTERS).unwrap();
    assert_eq!(letters.len(), 1);
    let letter: Value = serde_json::from_str(&letters[0].body).unwrap();
    assert_eq!(letter["requestContext"]["condition"], "RetryAttemptsExhausted");
    let place = &letter["DDBStreamBatchInfo"];
    assert_eq!((&place["batchSize"], &place["startSequenceNumber"]), (&json!(1), &place["endSequenceNumber"]));
    assert!(!letters[0].body.contains(&poisoned) && !letters[0].body.contains("댓글"), "it says where, not what");
    // Once the cause is gone, playing the stream again from its start makes up for it.
    app.wire.clear();
    let again = app.replay(app.event_router().await).await;
    assert_eq!(Box::pin(again.drain()).await.unwrap().failed, 0);
    assert_eq!(left(&app, board.0, &poisoned).await, 0);
}

/// A function that cannot be called at all fails whole batches: those are halved until it works.
#[tokio::test]
async fn a_batch_that_fails_whole_is_halved() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let board = BOARDS[0];
    let path = post(&app, board, &kim, &lee).await;
    app.delete(&path).by(&kim).send().await.expect(204);
    let router = app.event_router().await;
    let sizes = Arc::new(std::sync::Mutex::new(vec![]));
    let noted = sizes.clone();
    let narrow: Handler = Arc::new(move |woken| {
        let worker::Woken::ByStream(changes) = &woken else { panic!("{woken:?}") };
        noted.lock().unwrap().push(changes.len());
        // As one that runs out of memory does.
        if changes.len() > 2 {
            return Box::pin(async { Err(worker::Failed("too much".to_owned())) });
        }
        router(woken)
    });
    let pump = app.replay(narrow).await;
    let played = Box::pin(pump.drain()).await.unwrap();
    assert_eq!((played.failed, played.given_up), (0, 0));
    assert_eq!(left(&app, board.0, &path).await, 0);
    let sizes = sizes.lock().unwrap().clone();
    assert!(sizes[0] > 2 && sizes.iter().any(|size| *size <= 2), "{sizes:?}");
}
