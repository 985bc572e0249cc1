//! The posts that can be reacted to.

use boards::posts::POST_NOT_FOUND;
use devloop_http::Edge;
use domain::{
    boards::Board,
    ids::PostId,
    refusal::{Details, Reason, Refusal},
};
use storage::{Error, keys};

/// Why there is nothing to react to.
#[derive(Debug, thiserror::Error)]
pub enum NoPost {
    /// There is no such post, or its board's posts cannot be liked.
    #[error("no such post")]
    NotFound,
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for NoPost {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => POST_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

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
