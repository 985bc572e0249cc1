//! `PATCH /v1/parties/{postId}`: its author changes a study party, to no fewer places than are taken.

use boards::posts::{self, PLACES_TAKEN, POST_NOT_FOUND, Untouched};
use deserr::Deserr;
use devloop_http::{Active, IfMatch, Json, Path, Versioned};
use domain::{
    attachments::{
        ATTACHMENT_FOR_ANOTHER_PURPOSE, ATTACHMENT_IN_USE, ATTACHMENT_NOT_FOUND, ATTACHMENT_NOT_READY, AttachmentIds,
    },
    boards::Category,
    forums::{Party, PartyStatus},
    ids::PostId,
    refusal::{Details, Reason, Refusal},
    text::{PostContent, PostTitle, Tags},
    validation::FieldErrors,
};
use storage::items::Post;
use utoipa::ToSchema;

use crate::{App, rules::Capacity, views::PartyPostView};

/// What to change; what is absent stays.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "status": "COMPLETED", "capacity": 6 }))]
pub struct UpdatePartyPost {
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
    /// `COMPLETED` takes no new applications.
    #[deserr(default)]
    status: Option<PartyStatus>,
    /// No fewer than have joined.
    #[deserr(default)]
    capacity: Option<Capacity>,
}

impl UpdatePartyPost {
    fn apply(&self, post: &mut Post<Party>) {
        let Self { title, content, category, tags, attachment_ids: _, status, capacity } = self.clone();
        post.title = title.unwrap_or_else(|| post.title.clone());
        post.content = content.or_else(|| post.content.take());
        post.category = category.unwrap_or(post.category);
        post.card.tags = tags.unwrap_or_else(|| post.card.tags.clone());
        let recruitment = &mut post.card.state;
        recruitment.status = status.unwrap_or(recruitment.status);
        recruitment.capacity = capacity.map_or(recruitment.capacity, Capacity::get);
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Refused(#[from] Untouched);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        POST_NOT_FOUND,
        Reason::FORBIDDEN,
        Reason::VERSION_CONFLICT,
        PLACES_TAKEN,
        ATTACHMENT_NOT_FOUND,
        ATTACHMENT_NOT_READY,
        ATTACHMENT_IN_USE,
        ATTACHMENT_FOR_ANOTHER_PURPOSE,
    ];

    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn details(&self) -> Details {
        self.0.details()
    }
}

/// Changes the version that was seen, or whatever it is by now.
pub async fn update_party_post(
    app: App,
    author: Active,
    (Path(id), seen, Json(change)): (Path<PostId>, Option<IfMatch>, Json<UpdatePartyPost>),
) -> Result<Versioned<PartyPostView>, Refused> {
    let files = change.attachment_ids.as_ref();
    Ok(posts::update(&app, &author, id, (seen, files), |post| change.apply(post)).await?)
}
