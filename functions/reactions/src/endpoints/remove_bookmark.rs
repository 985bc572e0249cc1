//! `DELETE /v1/bookmarks/{board}/{postId}`: removes the caller's bookmark. Doing it twice changes nothing.

use devloop_http::{NoContent, PathPair, SignedIn};
use domain::{boards::Board, ids::PostId};
use storage::{Error, Write, WriteError, keys};

use crate::{App, posts::is_open};

/// Removes it, if there is one.
pub async fn remove_bookmark(
    app: App,
    caller: SignedIn,
    PathPair(board, post): PathPair<Board, PostId>,
) -> Result<NoContent, Error> {
    if !is_open(board) {
        return Ok(NoContent);
    }
    match app.table.write(Write::delete(keys::bookmark(board, post, caller.id))).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(NoContent),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
