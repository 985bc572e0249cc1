//! `DELETE /v1/communities/{postId}`: its author, or an admin, deletes a community post.
//!
//! From then on nobody reaches its comments any more; they are removed later.

use boards::posts::{self, Untouched};
use devloop_http::{Active, IfMatch, NoContent, Path};
use domain::ids::PostId;

use crate::{App, views::CommunityPostView};

/// Deletes the version that was seen, or whatever it is by now.
pub async fn delete_community_post(
    app: App,
    caller: Active,
    (Path(id), seen): (Path<PostId>, Option<IfMatch>),
) -> Result<NoContent, Untouched> {
    posts::delete::<CommunityPostView>(&app, &caller, id, seen).await
}
