//! `GET /v1/parties/{postId}/comments`: the comments on a study party, oldest first.

use boards::comments::{self, CommentView, NotListed};
use devloop_http::{Cacheable, ListView, Paging, Path, Public, Query};
use domain::{forums::Party, ids::PostId};

use crate::App;

/// Reads a page.
pub async fn list_party_comments(
    app: App,
    _: Public,
    (Path(post), Query(paging)): (Path<PostId>, Query<Paging>),
) -> Result<Cacheable<ListView<CommentView>>, NotListed> {
    comments::page::<Party>(&app, "list_party_comments", post, &paging).await
}
