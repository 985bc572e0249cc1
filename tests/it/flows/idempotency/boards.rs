//! Requests of the boards that anybody posts on.

use serde_json::{Value, json};

use super::{Asked, Ready, cases::two};
use crate::{app::Account, flows::sale::Sale};

/// A board: its path, and its word.
pub type Board = (&'static str, &'static str);

pub const COMMUNITY: Board = ("/v1/communities", "COMMUNITY");
pub const PARTY: Board = ("/v1/parties", "PARTY");

fn body((_, word): Board, title: &str) -> Value {
    let mut body = json!({ "title": title, "content": "내용", "category": "WEB_DEV" });
    if word == PARTY.1 {
        body["capacity"] = json!(5);
    }
    body
}

/// The id of a new post.
async fn post(sale: &Sale, board: Board, by: &Account) -> String {
    let made = sale.app.post(board.0).by(by).json(&body(board, "제목")).send().await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

pub async fn create_post(board: Board) -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let ask = |by: &Account, title: &str| Asked::new(by, board.0, body(board, title));
    Ready { first: ask(&kim, "제목"), other: ask(&kim, "다른 제목"), stranger: ask(&lee, "제목"), sale }
}

pub async fn create_comment(board: Board) -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let (one, other) = (post(&sale, board, &kim).await, post(&sale, board, &kim).await);
    let say =
        |by: &Account, post: &str| Asked::new(by, format!("{}/{post}/comments", board.0), json!({ "content": "댓글" }));
    // The same words, on another post.
    Ready { first: say(&kim, &one), other: say(&kim, &other), stranger: say(&lee, &one), sale }
}

pub async fn apply_to_party() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let host = sale.app.sign_up("host").await;
    let (one, other) = (post(&sale, PARTY, &host).await, post(&sale, PARTY, &host).await);
    let apply = |by: &Account, party: &str| Asked::new(by, format!("/v1/parties/{party}/applications"), json!({}));
    Ready { first: apply(&kim, &one), other: apply(&kim, &other), stranger: apply(&lee, &one), sale }
}

pub async fn report_content() -> Ready {
    let sale = Sale::of(1).await;
    let [kim, lee] = two(&sale).await;
    let writer = sale.app.sign_up("writer").await;
    let (one, other) = (post(&sale, COMMUNITY, &writer).await, post(&sale, PARTY, &writer).await);
    let report = |by: &Account, (_, word): Board, post: &str| {
        Asked::new(by, "/v1/reports", json!({ "board": word, "postId": post, "complaint": "SPAM" }))
    };
    Ready {
        first: report(&kim, COMMUNITY, &one),
        other: report(&kim, PARTY, &other),
        stranger: report(&lee, COMMUNITY, &one),
        sale,
    }
}
