//! `GET /v1/users/me/bookmarks`: the posts that the caller has bookmarked, the latest first.

use boards::{Authors, posts::PostCard};
use devloop_http::{Json, ListRefused, ListScope, ListView, Paging, Query, SignedIn};
use domain::{
    boards::Board,
    forums::{Community, Party},
    time::Time,
};
use serde::Serialize;
use storage::{
    Page,
    items::{Bookmark, Post},
    keys, pick_all,
};
use utoipa::ToSchema;

use crate::App;

/// A post that was bookmarked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "board": "COMMUNITY", "bookmarkedAt": "2026-11-25T00:00:00.000Z", "post": {
        "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트에서 상태를 공유하는 방법", "category": "WEB_DEV",
        "tags": ["rust", "tokio"], "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" },
        "commentCount": 1, "likeCount": 3, "createdAt": "2026-11-24T00:00:00.000Z", "editedAt": null,
    },
}))]
pub struct BookmarkedPost {
    board: Board,
    bookmarked_at: Time,
    post: PostCard,
}

/// Reads a page, its posts in one batch and their authors in another. What is gone is left out.
pub async fn list_my_bookmarks(
    app: App,
    caller: SignedIn,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<BookmarkedPost>>, ListRefused> {
    let scope = ListScope::new("list_my_bookmarks", caller.id, ());
    let after = app.position(&scope, paging.cursor())?;
    let own = storage::Query::index("gsi2", keys::bookmarks_of(caller.id)).newest_first();
    let page = app.table.page(&own, after, paging.limit(), |_: &Bookmark| true).await?;
    let posts = page.items.iter().map(|bookmark| keys::post(bookmark.card.board, bookmark.card.post_id));
    let found = app.table.get_mixed(posts).await?;
    let (questions, parties) = (pick_all::<Post<Community>>(&found)?, pick_all::<Post<Party>>(&found)?);
    let authors = questions.iter().map(|post| post.card.author_id);
    let authors = authors.chain(parties.iter().map(|post| post.card.author_id));
    let authors = Authors::read(&app.table, authors).await?;
    let view = |bookmark: &Bookmark| {
        let id = bookmark.card.post_id;
        let question = questions.iter().find(|post| post.id == id);
        let question = question.map(|post| PostCard::of(post, authors.view(post.card.author_id)));
        let party = parties.iter().find(|post| post.id == id);
        let party = party.map(|post| PostCard::of(post, authors.view(post.card.author_id)));
        let post = question.or(party)?;
        Some(BookmarkedPost { board: bookmark.card.board, bookmarked_at: bookmark.created_at, post })
    };
    let items = page.items.iter().filter_map(view).collect();
    Ok(Json(app.list(&scope, Page { items, next: page.next })))
}
