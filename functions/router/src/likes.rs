//! A like is counted on its post, and one that was taken back is counted no more and goes.
//!
//! The like says itself whether it is counted, and that mark changes in one transaction with the
//! post's count. So the count is at any time the number of marked likes, and once every like
//! was looked at the number of those that stand: whatever comes twice finds the mark.

use storage::{Change, Error, Tx, TxError, Write, WriteError, items::Like, keys::LIKE};

use crate::App;

/// How often a like is looked at again because it moved meanwhile.
const TRIES: usize = 5;

/// Which part did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Like,
    Post,
}

/// Counts a like that changed as it stands now.
pub async fn follow(app: &App, change: &Change) -> Result<(), Error> {
    // What went was counted as it should be, or its post went.
    if !change.key.sk.starts_with(LIKE) || change.is_removal() {
        return Ok(());
    }
    for _ in 0..TRIES {
        let Some(like) = app.table.get_now::<Like>(change.key.clone()).await? else { return Ok(()) };
        let (own, on_post) = match (like.liked, like.counted) {
            (true, true) => return Ok(()),
            (true, false) => (like.count(), Some(1)),
            (false, true) => (like.forget(), Some(-1)),
            (false, false) => (like.forget(), None),
        };
        let on_post = on_post.map(|change| (like.count_on_post(change), Lost::Post));
        match Tx::once(app.ids.token()).and(own, Lost::Like).and_all(on_post).commit(&app.table).await {
            Ok(()) => return Ok(()),
            Err(TxError::Storage(error)) => return Err(error),
            // Liked or taken back meanwhile.
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal == Lost::Like) => {}
            // Its post is gone, which may have been before it was given.
            Err(TxError::Unmet(_)) => return remove(app, change).await,
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" })
}

async fn remove(app: &App, change: &Change) -> Result<(), Error> {
    match app.table.write(Write::delete(change.key.clone())).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
