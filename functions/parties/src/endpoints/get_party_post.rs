//! `GET /v1/parties/{postId}`: a study party.

use boards::posts::{self, NoPost};
use devloop_http::{Cacheable, Path, Public};
use domain::ids::PostId;

use crate::{App, views::PartyPostView};

/// Reads the post as it is now.
pub async fn get_party_post(app: App, _: Public, Path(id): Path<PostId>) -> Result<Cacheable<PartyPostView>, NoPost> {
    posts::get(&app, id).await
}
