//! `PATCH /v1/communities/{postId}`: its author changes a community post.

use boards::posts::{self, NotUpdated};
use deserr::Deserr;
use devloop_http::{Active, IfMatch, Json, Path, Versioned};
use domain::{
    attachments::AttachmentIds,
    boards::Category,
    forums::{Community, CommunityStatus},
    ids::PostId,
    text::{PostContent, PostTitle, Tags},
    validation::FieldErrors,
};
use storage::items::Post;
use utoipa::ToSchema;

use crate::{App, views::CommunityPostView};

/// What to change; what is absent stays.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "title": "러스트에서 상태를 공유하는 가장 좋은 방법", "tags": ["rust"] }))]
pub struct UpdateCommunityPost {
    #[deserr(default)]
    title: Option<PostTitle>,
    /// Markdown source.
    #[deserr(default)]
    content: Option<PostContent>,
    #[deserr(default)]
    category: Option<Category>,
    /// All of them.
    #[deserr(default)]
    tags: Option<Tags>,
    /// All of them.
    #[deserr(default)]
    attachment_ids: Option<AttachmentIds>,
    /// `UNSOLVED` takes an accepted comment back.
    #[deserr(default)]
    status: Option<CommunityStatus>,
}

impl UpdateCommunityPost {
    fn apply(&self, post: &mut Post<Community>) {
        let Self { title, content, category, tags, attachment_ids: _, status } = self.clone();
        post.title = title.unwrap_or_else(|| post.title.clone());
        post.content = content.or_else(|| post.content.take());
        post.category = category.unwrap_or(post.category);
        post.card.tags = tags.unwrap_or_else(|| post.card.tags.clone());
        post.card.state = status.map_or(post.card.state, |status| post.card.state.marked(status));
    }
}

/// Changes the version that was seen, or whatever it is by now.
pub async fn update_community_post(
    app: App,
    author: Active,
    (Path(id), seen, Json(change)): (Path<PostId>, Option<IfMatch>, Json<UpdateCommunityPost>),
) -> Result<Versioned<CommunityPostView>, NotUpdated> {
    let files = change.attachment_ids.as_ref();
    Ok(posts::update(&app, &author, id, (seen, files), |post| change.apply(post)).await?)
}
