//! `GET /v1/communities/{postId}`: a community post.

use boards::posts::{self, NoPost};
use devloop_http::{Cacheable, Path, Public};
use domain::ids::PostId;

use crate::{App, views::CommunityPostView};

/// Reads the post as it is now.
pub async fn get_community_post(
    app: App,
    _: Public,
    Path(id): Path<PostId>,
) -> Result<Cacheable<CommunityPostView>, NoPost> {
    posts::get(&app, id).await
}
