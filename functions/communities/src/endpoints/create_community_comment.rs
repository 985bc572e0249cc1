//! `POST /v1/communities/{postId}/comments`: comments on a community post.

use boards::comments::{self, CommentView, NotCommented, WriteComment};
use devloop_http::{Active, Created, Json, Path};
use domain::{forums::Community, ids::PostId};

use crate::App;

/// Writes the comment and counts it on its post.
pub async fn create_community_comment(
    app: App,
    writer: Active,
    (Path(post), Json(body)): (Path<PostId>, Json<WriteComment>),
) -> Result<Created<CommentView>, NotCommented> {
    comments::create::<Community>(&app, &writer, post, body).await
}
