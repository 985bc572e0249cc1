//! `DELETE /v1/parties/{postId}`: its author, or an admin, deletes a study party.
//!
//! From then on nobody reaches its comments and applications any more; they are removed later.

use boards::posts::{self, Untouched};
use devloop_http::{Active, IfMatch, NoContent, Path};
use domain::ids::PostId;

use crate::{App, views::PartyPostView};

/// Deletes the version that was seen, or whatever it is by now.
pub async fn delete_party_post(
    app: App,
    caller: Active,
    (Path(id), seen): (Path<PostId>, Option<IfMatch>),
) -> Result<NoContent, Untouched> {
    posts::delete::<PartyPostView>(&app, &caller, id, seen).await
}
