//! `DELETE /v1/parties/{postId}/comments/{commentId}`: its writer, the post's author or an
//! admin deletes a comment.

use boards::comments::{self, Untouched};
use devloop_http::{Active, IfMatch, NoContent, PathPair};
use domain::{
    forums::Party,
    ids::{CommentId, PostId},
};

use crate::App;

/// Deletes the version that was seen, or whatever it is by now.
pub async fn delete_party_comment(
    app: App,
    caller: Active,
    (PathPair(post, id), seen): (PathPair<PostId, CommentId>, Option<IfMatch>),
) -> Result<NoContent, Untouched> {
    comments::delete::<Party>(&app, &caller, (post, id), seen).await
}
