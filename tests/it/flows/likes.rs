//! Likes: one for each user and post, and a count that is exact once the stream is played, whatever came twice.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use auth::{Claims, Signer};
use clock::{Ids, Rng};
use devloop_local::stream::StreamPump;
use domain::{accounts::Role, boards::Board, ids::UserId};
use futures::future::join_all;
use serde_json::{Value, json};
use storage::{Query, keys};
use testkit::{Action, Gate};
use worker::Handler;

use crate::app::{Account, TestApp, table_is_elsewhere};

const BOARDS: [(&str, &str); 2] = [("COMMUNITY", "/v1/communities"), ("PARTY", "/v1/parties")];
const UNKNOWN: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

/// A post on a board: its path, and that of likes of it.
#[derive(Clone, Debug)]
struct Liked {
    post: String,
    like: String,
    partition: String,
}

async fn post(app: &TestApp, (word, path): (&str, &str), by: &Account) -> Liked {
    let mut body = json!({ "title": "제목", "content": "내용", "category": "WEB_DEV" });
    if word == "PARTY" {
        body["capacity"] = json!(5);
    }
    let made = app.post(path).by(by).json(&body).send().await.expect(201);
    let id = made["id"].as_str().unwrap();
    Liked { post: format!("{path}/{id}"), like: format!("/v1/likes/{word}/{id}"), partition: format!("{word}#{id}") }
}

impl Liked {
    async fn count(&self, app: &TestApp) -> Value {
        app.get(&self.post).send().await.expect(200)["likeCount"].clone()
    }

    /// The likes that are in the table.
    async fn stored(&self, app: &TestApp) -> usize {
        app.table.all_mixed(&Query::partition(self.partition.as_str(), keys::LIKE), usize::MAX).await.unwrap().len()
    }
}

/// People with good tokens, of whom the table knows nothing: more than would be signed up in a test's time.
fn crowd(app: &TestApp, count: usize) -> Vec<Account> {
    let signer = Signer::new(app.parts.settings.token_private_key.as_ref().unwrap()).unwrap();
    let ids = Ids::new(app.parts.clock.clone(), app.parts.rng.clone());
    let one = |_| {
        let id: UserId = ids.id();
        let token = signer.sign(&Claims::new(id, Role::User, ids.id(), app.parts.clock.now())).unwrap();
        Account { id: id.to_string(), email: String::new(), token, refresh: String::new() }
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn a_like_is_counted_once_however_often_it_is_given() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let liked = post(&app, board, &kim).await;
        let since = json!(app.parts.clock.now());
        let first = app.put(&liked.like).by(&lee).send().await.expect(200);
        let (word, id) = liked.partition.split_once('#').unwrap();
        assert_eq!(first, json!({ "board": word, "postId": id, "since": since }));
        assert_eq!(liked.count(&app).await, 0, "it follows");
        app.drain().await;
        assert_eq!(liked.count(&app).await, 1);
        app.clock.advance(1_000);
        assert_eq!(app.put(&liked.like).by(&lee).send().await.expect(200), first);
        app.put(&liked.like).by(&kim).send().await.expect(200);
        app.drain().await;
        assert_eq!(liked.count(&app).await, 2);
        assert_eq!(app.get(board.1).send().await.expect(200)["items"][0]["likeCount"], 2);
        for _ in 0..2 {
            app.delete(&liked.like).by(&lee).send().await.expect(204);
            app.drain().await;
            assert_eq!((liked.count(&app).await, liked.stored(&app).await), (json!(1), 1));
        }
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_liked_and_need_not_be_taken_back() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for board in ["COMMUNITY", "PARTY", "PWT", "LECTURE"] {
        let path = format!("/v1/likes/{board}/{UNKNOWN}");
        app.put(&path).by(&kim).send().await.refused(404, "POST_NOT_FOUND");
        app.delete(&path).by(&kim).send().await.expect(204);
    }
    for path in [format!("/v1/likes/community/{UNKNOWN}"), "/v1/likes/COMMUNITY/x".to_owned()] {
        app.put(&path).by(&kim).send().await.refused(400, "INVALID_ID");
    }
}

#[tokio::test]
async fn a_count_changes_no_version_and_disturbs_no_change() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let liked = post(&app, board, &kim).await;
        let seen = app.get(&liked.post).send().await.header("etag").to_owned();
        app.put(&liked.like).by(&lee).send().await.expect(200);
        app.drain().await;
        let changed = app.get(&liked.post).header("if-none-match", &seen).send().await;
        assert_eq!((changed.status, &changed.body["version"]), (200, &json!(1)), "what is shown is another");
        let change = app.patch(&liked.post).by(&kim).header("if-match", &seen).json(&json!({ "title": "새 제목" }));
        assert_eq!(change.send().await.expect(200)["likeCount"], 1, "the change is of the same version");
    }
}

/// The post may go between the look at it and the like: then nobody counts the like, and it goes.
#[tokio::test]
async fn a_like_of_a_post_that_went_meanwhile_goes_too() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for board in BOARDS {
        let liked = post(&app, board, &kim).await;
        let (reached, goes_on) = (Gate::default(), Gate::default());
        let (told, held) = (reached.clone(), goes_on.clone());
        app.wire.rule(move |call| {
            if call.by == "like_post" && call.operation == "UpdateItem" {
                told.open();
                return Action::Wait(held.clone());
            }
            Action::Pass
        });
        let deleted = async {
            reached.passed().await;
            app.delete(&liked.post).by(&kim).send().await.expect(204);
            // What hangs on it is cleared before the like is written.
            app.drain().await;
            goes_on.open();
        };
        let (like, ()) = futures::join!(app.put(&liked.like).by(&lee).send(), deleted);
        like.expect(200);
        app.wire.clear();
        assert_eq!(liked.stored(&app).await, 1);
        assert_eq!(app.drain().await.failed, 0);
        assert_eq!(app.table.all_mixed(&Query::partition(liked.partition, ""), 9).await.unwrap().len(), 0);
    }
}

/// Hands every batch over twice, as if its answer had been lost.
fn twice(router: Handler) -> Handler {
    Arc::new(move |woken| {
        let (first, again) = (router(woken.clone()), router(woken));
        Box::pin(async move {
            drop(first.await);
            again.await
        })
    })
}

/// Plays the stream while `work` is done, killing the router at its `calls`-th call again and again; each time another one
/// begins at the stream's start.
async fn play_with_kills(app: &TestApp, router: &Handler, calls: usize, done: &AtomicUsize) -> usize {
    let mut kills = 0;
    while done.load(Ordering::Relaxed) == 0 || kills < 3 {
        let reached = Gate::default();
        let told = reached.clone();
        let mut left = calls;
        app.wire.clear();
        app.wire.rule(move |call| {
            if call.by == "event_router" {
                left = left.saturating_sub(1);
                if left == 0 {
                    told.open();
                }
            }
            Action::Pass
        });
        let pump: StreamPump = app.replay(router.clone()).await;
        tokio::select! {
            biased;
            () = reached.passed() => kills += 1,
            _ = Box::pin(pump.drain()) => tokio::task::yield_now().await,
        }
    }
    app.wire.clear();
    kills
}

/// Likes, or takes that back, as a client does: a table that is too busy with a thousand others is asked again.
async fn toggle(app: &TestApp, liked: &Liked, by: &Account, likes: bool) {
    loop {
        let (call, status) = if likes { (app.put(&liked.like), 200) } else { (app.delete(&liked.like), 204) };
        let reply = call.by(by).send().await;
        if reply.status != 503 {
            reply.expect(status);
            return;
        }
    }
}

/// 1,000 people like, take back and like again, all at once, while what follows is played twice and killed in between.
#[tokio::test]
async fn a_thousand_likes_and_unlikes_at_once_leave_the_exact_count() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let liked = post(&app, BOARDS[0], &kim).await;
    // Another DynamoDB has a socket, and half a minute for all of this.
    let people = crowd(&app, if table_is_elsewhere() { 100 } else { 1_000 });
    let rng = Rng::from_seed(7);
    let moves: Vec<u64> = people.iter().map(|_| 1 + rng.below(3)).collect();
    let expected = moves.iter().filter(|moves| *moves % 2 == 1).count();
    assert!((people.len() / 3..people.len()).contains(&expected));
    let router = twice(app.event_router().await);
    let done = AtomicUsize::new(0);
    let crowd = async {
        join_all(people.iter().zip(&moves).map(async |(one, moves)| {
            for n in 0..*moves {
                toggle(&app, &liked, one, n % 2 == 0).await;
            }
        }))
        .await;
        done.store(1, Ordering::Relaxed);
    };
    let (kills, ()) = futures::join!(Box::pin(play_with_kills(&app, &router, 200, &done)), crowd);
    assert!(kills >= 3, "{kills}");
    app.drain().await;
    assert_eq!((liked.count(&app).await, liked.stored(&app).await), (json!(expected), expected));
    // And once more from the start, when all is done.
    let again = app.replay(router).await;
    assert_eq!(Box::pin(again.drain()).await.unwrap().failed, 0);
    assert_eq!((liked.count(&app).await, liked.stored(&app).await), (json!(expected), expected));
}

/// One like, told to two routers at once, as a batch whose answer is late is.
async fn told_to_two(app: &TestApp, liked: &Liked, by: &Account) -> Value {
    app.put(&liked.like).by(by).send().await.expect(200);
    let (one, other) = (app.replay(app.event_router().await).await, app.replay(app.event_router().await).await);
    let (one, other) = futures::join!(one.drain(), other.drain());
    assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
    app.drain().await;
    liked.count(app).await
}

#[tokio::test]
async fn without_the_mark_a_like_that_is_told_twice_counts_twice() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let liked = post(&app, BOARDS[0], &kim).await;
    assert_eq!(told_to_two(&app, &liked, &lee).await, 1);
    let liked = post(&app, BOARDS[1], &kim).await;
    app.wire.rule(|call| {
        call.strip_conditions("LIKE#");
        Action::Pass
    });
    assert_eq!(told_to_two(&app, &liked, &lee).await, 2);
}

#[test]
fn a_board_that_can_be_liked_is_one_that_anybody_posts_on() {
    assert_eq!(BOARDS.map(|(word, _)| word), [Board::Community, Board::Party].map(Board::as_str));
}
