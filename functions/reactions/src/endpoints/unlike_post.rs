//! `DELETE /v1/likes/{board}/{postId}`: likes a post no more. Doing it twice, or for a post that is gone, changes nothing.

use devloop_http::{NoContent, PathPair, SignedIn};
use domain::{boards::Board, ids::PostId};
use storage::{Error, WriteError, items::Like};

use crate::{App, posts::is_open};

/// Takes the like back. The post's count follows.
pub async fn unlike_post(
    app: App,
    caller: SignedIn,
    PathPair(board, post): PathPair<Board, PostId>,
) -> Result<NoContent, Error> {
    if !is_open(board) {
        return Ok(NoContent);
    }
    match app.table.write(Like::take_back(board, post, caller.id)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(NoContent),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
