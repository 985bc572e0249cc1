//! The posts that can be reacted to.

pub use boards::posts::NoPost;
use devloop_http::Edge;
use domain::{boards::Board, ids::PostId};
use storage::keys;

/// Whether there is anything to react to on this board: what anybody writes.
pub fn is_open(board: Board) -> bool {
    matches!(board, Board::Community | Board::Party)
}

/// Requires that there is such a post, on a board that is open.
pub async fn must_exist(app: &Edge, board: Board, id: PostId) -> Result<(), NoPost> {
    if !is_open(board) {
        return Err(NoPost::NotFound);
    }
    let found = app.table.get_mixed_now([keys::post(board, id)]).await?;
    if found.is_empty() { Err(NoPost::NotFound) } else { Ok(()) }
}
