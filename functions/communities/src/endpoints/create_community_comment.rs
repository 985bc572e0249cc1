//! `POST /v1/communities/{postId}/comments`: comments on a community post.

use boards::comments::{self, CommentView, NotCommented, WriteComment};
use devloop_http::{Active, Created, MaybeIdempotent, Once, Path};
use domain::{forums::Community, ids::PostId};

use crate::App;

const OPERATION: &str = "create_community_comment";

/// Writes the comment and counts it on its post, once for each key if there is one.
pub async fn create_community_comment(
    app: App,
    writer: Active,
    (Path(post), MaybeIdempotent { key, body }): (Path<PostId>, MaybeIdempotent<WriteComment>),
) -> Result<Once<Created<CommentView>>, NotCommented> {
    comments::create::<Community>(&app, &writer, (OPERATION, key.as_ref()), post, body).await
}
