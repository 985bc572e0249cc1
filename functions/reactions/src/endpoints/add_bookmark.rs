//! `PUT /v1/bookmarks/{board}/{postId}`: bookmarks a post. Doing it twice changes nothing.

use devloop_http::{Json, PathPair, SignedIn};
use domain::{boards::Board, ids::PostId, time::Time};
use serde::Serialize;
use storage::{
    WriteError, decode,
    items::{Bookmark, BookmarkCard},
};
use utoipa::ToSchema;

use crate::{
    App,
    posts::{self, NoPost},
};

/// The caller's bookmark of a post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "board": "COMMUNITY", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "bookmarkedAt": "2026-11-24T00:00:00.000Z",
}))]
pub struct BookmarkView {
    board: Board,
    post_id: PostId,
    bookmarked_at: Time,
}

/// Makes a bookmark, unless there is one.
pub async fn add_bookmark(
    app: App,
    caller: SignedIn,
    PathPair(board, post_id): PathPair<Board, PostId>,
) -> Result<Json<BookmarkView>, NoPost> {
    posts::must_exist(&app, board, post_id).await?;
    let card = BookmarkCard { board, post_id };
    let bookmark = Bookmark { user_id: caller.id, card, created_at: app.clock.now() };
    let bookmark = match app.table.write(bookmark.set()).await {
        Err(WriteError::Unmet(Some(item))) => decode::<Bookmark>(item)?,
        Ok(()) | Err(WriteError::Unmet(None)) => bookmark,
        Err(WriteError::Storage(error)) => return Err(error.into()),
    };
    Ok(Json(BookmarkView { board, post_id, bookmarked_at: bookmark.created_at }))
}
