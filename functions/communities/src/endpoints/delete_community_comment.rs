//! `DELETE /v1/communities/{postId}/comments/{commentId}`: its writer, the post's author or an
//! admin deletes a comment. A post that was solved by it is unsolved again.

use boards::comments::{self, Untouched};
use devloop_http::{Active, IfMatch, NoContent, PathPair};
use domain::{
    forums::Community,
    ids::{CommentId, PostId},
};

use crate::App;

/// Deletes the version that was seen, or whatever it is by now.
pub async fn delete_community_comment(
    app: App,
    caller: Active,
    (PathPair(post, id), seen): (PathPair<PostId, CommentId>, Option<IfMatch>),
) -> Result<NoContent, Untouched> {
    comments::delete::<Community>(&app, &caller, (post, id), seen).await
}
