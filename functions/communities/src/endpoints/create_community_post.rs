//! `POST /v1/communities`: asks the community.

use boards::posts::{self, Draft, NotPosted};
use deserr::Deserr;
use devloop_http::{Active, Created, MaybeIdempotent, Once};
use domain::{
    attachments::AttachmentIds,
    boards::Category,
    forums::Question,
    text::{PostContent, PostTitle, Tags},
    validation::FieldErrors,
};
use utoipa::ToSchema;

use crate::{App, views::CommunityPostView};

/// A question.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "title": "러스트에서 상태를 공유하는 방법", "content": "`Arc<Mutex<T>>`보다 나은 방법이 있을까요?",
    "category": "WEB_DEV", "tags": ["rust", "tokio"],
}))]
pub struct CreateCommunityPost {
    title: PostTitle,
    /// Markdown source.
    content: PostContent,
    category: Category,
    #[deserr(default)]
    #[schema(required = false)]
    tags: Tags,
    #[deserr(default)]
    #[schema(required = false)]
    attachment_ids: AttachmentIds,
}

const OPERATION: &str = "create_community_post";

/// Publishes it, unsolved, once for each key if there is one.
pub async fn create_community_post(
    app: App,
    author: Active,
    MaybeIdempotent { key, body }: MaybeIdempotent<CreateCommunityPost>,
) -> Result<Once<Created<CommunityPostView>>, NotPosted> {
    let CreateCommunityPost { title, content, category, tags, attachment_ids: files } = body;
    let under = (OPERATION, key.as_ref());
    posts::create(&app, &author, under, Draft { title, content, category, tags, files, state: Question::OPEN }).await
}
