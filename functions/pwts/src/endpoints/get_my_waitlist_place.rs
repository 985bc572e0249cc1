//! `GET /v1/pwts/{pwtId}/waitlist/me`: how far the caller's place is in front, and the claim.

use devloop_http::{Json, Path, SignedIn};
use domain::{
    ids::PwtId,
    refusal::{Details, Reason, Refusal},
};

use crate::{
    App,
    waitlist::{self, PlaceView},
};

/// Why there is no place to show.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the caller does not wait")]
    NotWaiting,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const WAITLIST_PLACE_NOT_FOUND: Reason =
    Reason::not_found("WAITLIST_PLACE_NOT_FOUND", "대기 중이 아닙니다.", "You are not on this waitlist.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[WAITLIST_PLACE_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotWaiting => WAITLIST_PLACE_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotWaiting => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads it as it is now. A claim that is over is no place any more.
pub async fn get_my_waitlist_place(
    app: App,
    caller: SignedIn,
    Path(id): Path<PwtId>,
) -> Result<Json<PlaceView>, Refused> {
    let now = app.clock.now();
    let place = waitlist::place_of(&app, id, caller.id).await?.filter(|place| !place.is_over(now));
    Ok(Json(PlaceView::of(&app, &place.ok_or(Refused::NotWaiting)?).await?))
}
