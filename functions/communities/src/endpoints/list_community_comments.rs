//! `GET /v1/communities/{postId}/comments`: the comments on a community post, oldest first.

use boards::comments::{self, CommentView, NotListed};
use devloop_http::{Cacheable, ListView, Paging, Path, Public, Query};
use domain::{forums::Community, ids::PostId};

use crate::App;

/// Reads a page.
pub async fn list_community_comments(
    app: App,
    _: Public,
    (Path(post), Query(paging)): (Path<PostId>, Query<Paging>),
) -> Result<Cacheable<ListView<CommentView>>, NotListed> {
    comments::page::<Community>(&app, "list_community_comments", post, &paging).await
}
