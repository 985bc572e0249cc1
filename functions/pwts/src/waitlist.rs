//! Places on waitlists: whose, and how far in front. Serving them is `orders`' matter.

use domain::{
    ids::{PwtId, UserId},
    time::Time,
    waitlist::PlaceState,
};
use serde::Serialize;
use storage::{
    Error, Query, Tx, TxError, Write,
    items::{Place, Waiter},
    keys,
};
use utoipa::ToSchema;

use crate::App;

/// A place on a waitlist.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "pwtId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "state": "WAITING", "position": 3, "claimUntil": null,
    "since": "2026-12-01T09:00:00.000Z",
}))]
pub struct PlaceView {
    pwt_id: PwtId,
    state: PlaceState,
    /// 1 is next; 500 means 500 or more. Null once a seat is kept.
    #[schema(required)]
    position: Option<usize>,
    /// Until when the seat that is kept may be ordered.
    #[schema(required)]
    claim_until: Option<Time>,
    since: Time,
}

/// The furthest position that is counted.
const FURTHEST: usize = 500;

impl PlaceView {
    /// A place, with its position counted now.
    pub async fn of(app: &App, place: &Place) -> Result<Self, Error> {
        let position = match place.state {
            PlaceState::Claimed => None,
            PlaceState::Waiting => {
                let (from, until) = keys::places_up_to(place.id);
                let line = Query::partition(keys::waitlist(place.pwt_id).pk, keys::PLACE).between(from, until);
                let ahead: Vec<Place> = app.table.all(&line, FURTHEST).await?;
                // At least its own, should it have ended this very moment.
                Some(ahead.iter().filter(|place| place.state == PlaceState::Waiting).count().max(1))
            }
        };
        let claim_until = place.claim.map(|claim| claim.until);
        Ok(Self { pwt_id: place.pwt_id, state: place.state, position, claim_until, since: place.since })
    }
}

/// The place of `user`, as it is now.
pub async fn place_of(app: &App, pwt: PwtId, user: UserId) -> Result<Option<Place>, Error> {
    match app.table.get_now::<Waiter>(keys::waiter(pwt, user)).await? {
        Some(waiter) => app.table.get_now(keys::place(pwt, waiter.place_id)).await,
        None => Ok(None),
    }
}

/// Ends a place, whether a seat is kept for it or not; `false` if it is not as it was read any more.
pub async fn end(app: &App, place: &Place) -> Result<bool, Error> {
    commit(app, place.claim.map_or_else(|| place.leave(), |claim| place.give_back(claim))).await
}

/// All or none; `false` if things are not as they were read any more.
pub async fn commit(app: &App, writes: impl IntoIterator<Item = Write>) -> Result<bool, Error> {
    let tx = Tx::once(app.ids.token()).and_all(writes.into_iter().map(|write| (write, ())));
    match tx.commit(&app.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}
