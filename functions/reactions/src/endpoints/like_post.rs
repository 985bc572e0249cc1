//! `PUT /v1/likes/{board}/{postId}`: likes a post. Doing it twice changes nothing.
//!
//! Nothing holds the post meanwhile: a thousand likes at once would stand in each other's way. The
//! event-router counts the like, or removes it if the post went.

use devloop_http::{Json, PathPair, SignedIn};
use domain::{boards::Board, ids::PostId, time::Time};
use serde::Serialize;
use storage::{WriteError, decode, items::Like};
use utoipa::ToSchema;

use crate::{
    App,
    posts::{self, NoPost},
};

/// The caller's like of a post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "board": "COMMUNITY", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "since": "2026-11-24T00:00:00.000Z",
}))]
pub struct LikeView {
    board: Board,
    post_id: PostId,
    since: Time,
}

/// Likes it, unless the caller does already. The post's count follows.
pub async fn like_post(
    app: App,
    caller: SignedIn,
    PathPair(board, post_id): PathPair<Board, PostId>,
) -> Result<Json<LikeView>, NoPost> {
    posts::must_exist(&app, board, post_id).await?;
    let now = app.clock.now();
    let since = match app.table.write(Like::give(board, post_id, caller.id, now)).await {
        Err(WriteError::Unmet(Some(item))) => decode::<Like>(item)?.since,
        Ok(()) | Err(WriteError::Unmet(None)) => now,
        Err(WriteError::Storage(error)) => return Err(error.into()),
    };
    Ok(Json(LikeView { board, post_id, since }))
}
