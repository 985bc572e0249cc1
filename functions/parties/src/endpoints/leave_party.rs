//! `DELETE /v1/parties/{postId}/applications/me`: takes the caller's application back, and their
//! place with it.
//!
//! A declined one stays: taking it back would be a way to ask again and again.

use boards::{TRIES, posts::NoPost};
use devloop_http::{Active, NoContent, Path};
use domain::{forums::Admission, ids::PostId};
use storage::Error;

use crate::{App, applications};

/// Leaves, if there is anything to leave.
pub async fn leave_party(app: App, caller: Active, Path(id): Path<PostId>) -> Result<NoContent, NoPost> {
    for _ in 0..TRIES {
        let (party, application) = applications::read(&app, id, caller.id()).await?;
        if party.is_none() {
            return Err(NoPost::NotFound);
        }
        match application {
            Some(application) if application.state != Admission::Declined => {
                if applications::end(&app, &application, application.withdraw()).await? {
                    return Ok(NoContent);
                }
            }
            _ => return Ok(NoContent),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
