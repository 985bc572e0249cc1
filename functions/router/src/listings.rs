//! A post is in the lists that are sorted otherwise than by age: a copy of it for each.
//!
//! A copy is written of the post as it is now, in a transaction that requires it to be so still. If it is
//! not, whatever moved it has a record of its own, and that one is followed after this one.

use domain::{
    boards::Board,
    forums::{Community, Forum, Party},
    ids::PostId,
};
use storage::{
    Change, Error, Tx, TxError,
    items::{Listing, Post, listed_keys},
    keys::{self, Key, ListedBy},
    pick,
};

use crate::App;

/// Puts a post that changed where it belongs now.
pub async fn follow(app: &App, change: &Change) -> Result<(), Error> {
    match keys::as_post(&change.key).filter(|_| !change.is_removal()) {
        Some((Board::Community, id)) => list::<Community>(app, id).await,
        Some((Board::Party, id)) => list::<Party>(app, id).await,
        Some((Board::Pwt | Board::Lecture, _)) | None => Ok(()),
    }
}

async fn list<F: Forum>(app: &App, id: PostId) -> Result<(), Error> {
    let found = app.table.get_mixed_now(listed_keys::<F>(id)).await?;
    // What is gone has taken its copies along.
    let Some(post) = pick::<Post<F>>(&found)? else { return Ok(()) };
    let mut writes = vec![];
    for by in ListedBy::ALL {
        let key = keys::listing(F::BOARD, id, by);
        let copy = found.iter().find(|item| Key::of(item).as_ref() == Some(&key));
        let copy: Option<Listing<F>> = copy.cloned().map(storage::decode).transpose()?;
        writes.extend(post.list(by, copy.map(|copy| copy.rev)));
    }
    if writes.is_empty() {
        return Ok(());
    }
    let writes = writes.into_iter().map(|write| (write, ()));
    match Tx::once(app.ids.token()).and(post.unmoved(), ()).and_all(writes).commit(&app.table).await {
        Ok(()) | Err(TxError::Unmet(_)) => Ok(()),
        Err(TxError::Storage(error)) => Err(error),
    }
}
