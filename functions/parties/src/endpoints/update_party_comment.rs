//! `PATCH /v1/parties/{postId}/comments/{commentId}`: its writer changes a comment.

use boards::comments::{self, CommentView, Untouched, WriteComment};
use devloop_http::{Active, IfMatch, Json, PathPair, Versioned};
use domain::{
    forums::Party,
    ids::{CommentId, PostId},
};

use crate::App;

/// Changes the version that was seen, or whatever it is by now.
pub async fn update_party_comment(
    app: App,
    writer: Active,
    (PathPair(post, id), seen, Json(body)): (PathPair<PostId, CommentId>, Option<IfMatch>, Json<WriteComment>),
) -> Result<Versioned<CommentView>, Untouched> {
    comments::update::<Party>(&app, &writer, (post, id), seen, body).await
}
