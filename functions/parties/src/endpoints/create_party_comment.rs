//! `POST /v1/parties/{postId}/comments`: comments on a study party.

use boards::comments::{self, CommentView, NotCommented, WriteComment};
use devloop_http::{Active, Created, Json, Path};
use domain::{forums::Party, ids::PostId};

use crate::App;

/// Writes the comment and counts it on its post.
pub async fn create_party_comment(
    app: App,
    writer: Active,
    (Path(post), Json(body)): (Path<PostId>, Json<WriteComment>),
) -> Result<Created<CommentView>, NotCommented> {
    comments::create::<Party>(&app, &writer, post, body).await
}
