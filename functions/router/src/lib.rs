//! What follows from a change of the table, derived from the record of one item at a time.
//!
//! A record may come twice, and old ones again. So nothing here takes a record's word for how
//! things stand: it is a nudge to look, and what follows is made of what is there now.

mod likes;
mod listings;
mod posts;

use std::sync::Arc;

use storage::{Change, Error};
use worker::{Failed, Handler, Woken, in_order};

/// What this domain is given.
pub type App = devloop_http::Edge;

/// The event-router. The table's stream wakes it.
pub fn event_router(app: App) -> Handler {
    Arc::new(move |woken| {
        let app = app.clone();
        Box::pin(async move {
            let Woken::ByStream(changes) = woken else {
                return Err(Failed("only the table's stream wakes the event-router".to_owned()));
            };
            let each = |change: Change| {
                let app = app.clone();
                async move { follow(&app, &change).await.map_err(|error| Failed(error.to_string())) }
            };
            Ok(in_order(changes, each).await)
        })
    })
}

/// Does all that follows from one change. If it fails, all of it is done again.
async fn follow(app: &App, change: &Change) -> Result<(), Error> {
    posts::follow(app, change).await?;
    likes::follow(app, change).await?;
    listings::follow(app, change).await
}
