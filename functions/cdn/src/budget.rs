//! How many paths the CDN was told to forget this month, of those that are free.

use storage::{
    Tx, TxError,
    items::{CountedInvalidation, ForgottenPaths},
    keys,
};

use crate::App;

/// How many paths were asked for this month.
pub async fn used(app: &App) -> Result<u64, storage::Error> {
    let counted: Option<ForgottenPaths> = app.edge.table.get_now(keys::forgotten_paths(app.edge.clock.now())).await?;
    Ok(counted.map_or(0, |counted| counted.paths))
}

/// Counts an invalidation of so many paths; once, however often the same one is.
pub async fn count(app: &App, reference: &str, paths: usize) -> Result<(), storage::Error> {
    /// It is counted already.
    struct Counted;
    let now = app.edge.clock.now();
    let counted = Tx::once(app.edge.ids.token())
        .and(CountedInvalidation::first(reference, now), Counted)
        .and(ForgottenPaths::count(now, paths), Counted)
        .commit(&app.edge.table)
        .await;
    match counted {
        Ok(()) | Err(TxError::Unmet(_)) => Ok(()),
        Err(TxError::Storage(error)) => Err(error),
    }
}
