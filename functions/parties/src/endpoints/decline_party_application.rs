//! `POST /v1/parties/{postId}/applications/{userId}/decline`: the author of a study party declines
//! an applicant. Doing it twice changes nothing; who was accepted loses the place.

use boards::TRIES;
use devloop_http::{Active, Json, PathPair};
use domain::{
    forums::Admission,
    ids::{PostId, UserId},
};
use storage::Error;

use crate::{
    App,
    applications::{self, Undecided},
    views::PartyApplicationView,
};

/// Declines, unless that was done.
pub async fn decline_party_application(
    app: App,
    author: Active,
    PathPair(id, applicant): PathPair<PostId, UserId>,
) -> Result<Json<PartyApplicationView>, Undecided> {
    for _ in 0..TRIES {
        let application = applications::to_decide(&app, author.id(), id, applicant).await?;
        if application.state == Admission::Declined {
            return Ok(Json(applications::view(&app, application).await?));
        }
        let declined = application.decided(Admission::Declined, app.clock.now());
        if applications::end(&app, &application, declined.replace(&application)).await? {
            return Ok(Json(applications::view(&app, declined).await?));
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
