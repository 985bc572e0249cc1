//! `POST /v1/parties`: recruits a study party.

use boards::posts::{self, Draft, NotPosted};
use deserr::Deserr;
use devloop_http::{Active, Created, MaybeIdempotent, Once};
use domain::{
    attachments::AttachmentIds,
    boards::Category,
    forums::{PartyStatus, Recruitment},
    text::{PostContent, PostTitle, Tags},
    validation::FieldErrors,
};
use utoipa::ToSchema;

use crate::{App, rules::Capacity, views::PartyPostView};

/// A study party.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "title": "매주 토요일 러스트 스터디", "content": "매주 한 장씩 읽고 함께 풉니다.", "category": "WEB_DEV",
    "tags": ["rust", "온라인"], "capacity": 5,
}))]
pub struct CreatePartyPost {
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
    /// How many may join, beside the author.
    capacity: Capacity,
}

const OPERATION: &str = "create_party_post";

/// Publishes it, recruiting, once for each key if there is one.
pub async fn create_party_post(
    app: App,
    author: Active,
    MaybeIdempotent { key, body }: MaybeIdempotent<CreatePartyPost>,
) -> Result<Once<Created<PartyPostView>>, NotPosted> {
    let CreatePartyPost { title, content, category, tags, attachment_ids: files, capacity } = body;
    let state = Recruitment { status: PartyStatus::Recruiting, capacity: capacity.get() };
    let under = (OPERATION, key.as_ref());
    posts::create(&app, &author, under, Draft { title, content, category, tags, files, state }).await
}
