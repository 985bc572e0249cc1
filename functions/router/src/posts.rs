//! A post that was deleted takes along what hangs on it: everything in its partition.
//!
//! From its deletion on nobody reaches that any more, so it may take its time, and be cut off:
//! the record comes again until nothing is left.

use domain::{boards::Board, ids::PostId};
use storage::{
    Change, Error, Query, Tx, TxError, Write,
    keys::{self, BOOKMARK, Key},
};

use crate::App;

/// With the check of the post one transaction has room for 99.
const AT_ONCE: usize = 50;

/// Removes what hangs on a post that went, and what was hung on it when it had gone: nothing holds a
/// post for a bookmark.
pub async fn follow(app: &App, change: &Change) -> Result<(), Error> {
    let Some((board, id)) = keys::post_with(&change.key) else { return Ok(()) };
    let gone = if change.is_removal() {
        keys::as_post(&change.key).is_some()
    } else {
        change.key.sk.starts_with(BOOKMARK) && app.table.get_mixed_now([keys::post(board, id)]).await?.is_empty()
    };
    if gone { clear(app, board, id).await } else { Ok(()) }
}

async fn clear(app: &App, board: Board, id: PostId) -> Result<(), Error> {
    let all = Query::partition(keys::post_partition(board, id), "");
    loop {
        let left = app.table.all_mixed(&all, AT_ONCE).await?;
        if left.is_empty() {
            return Ok(());
        }
        // Whatever a record says, nothing of a post that is there is deleted.
        let gone = (Write::check(keys::post(board, id)).if_absent(), ());
        let hanging = left.iter().filter_map(Key::of).filter(|key| *key != keys::post(board, id));
        let deletes = hanging.map(|key| (Write::delete(key), ()));
        match Tx::once(app.ids.token()).and_all([gone]).and_all(deletes).commit(&app.table).await {
            Ok(()) => {}
            Err(TxError::Unmet(_)) => return Ok(()),
            Err(TxError::Storage(error)) => return Err(error),
        }
    }
}
