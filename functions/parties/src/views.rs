//! What is shown of a study party and of an application to one.

use boards::{
    AuthorView,
    attachments::FileView,
    posts::{PostCard, PostView, taken},
};
use domain::{
    forums::{Admission, Party, PartyStatus},
    text::{ApplicationMessage, PostContent},
    time::Time,
};
use serde::Serialize;
use storage::items::{Application, Post};
use utoipa::ToSchema;

/// A study party in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "매주 토요일 러스트 스터디", "category": "WEB_DEV",
    "tags": ["rust", "온라인"], "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "이코딩" },
    "commentCount": 0, "likeCount": 3, "createdAt": "2026-11-24T00:00:00.000Z", "editedAt": null, "status": "RECRUITING",
    "capacity": 5, "memberCount": 2,
}))]
pub struct PartyPostCard {
    #[serde(flatten)]
    post: PostCard,
    status: PartyStatus,
    /// How many may join, beside the author.
    capacity: u32,
    /// How many have joined.
    member_count: u32,
}

impl PostView for PartyPostCard {
    type Forum = Party;

    fn of(post: Post<Party>, author: AuthorView) -> Self {
        let recruitment = post.card.state;
        Self {
            post: PostCard::of(&post, author),
            status: recruitment.status,
            capacity: recruitment.capacity,
            member_count: taken(&post),
        }
    }
}

/// A study party.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "매주 토요일 러스트 스터디", "category": "WEB_DEV",
    "tags": ["rust", "온라인"], "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "이코딩" },
    "commentCount": 0, "likeCount": 3, "createdAt": "2026-11-24T00:00:00.000Z", "editedAt": null, "status": "RECRUITING",
    "capacity": 5, "memberCount": 2, "content": "매주 한 장씩 읽고 함께 풉니다.", "attachments": [], "version": 1,
}))]
pub struct PartyPostView {
    #[serde(flatten)]
    card: PartyPostCard,
    /// Markdown source.
    #[schema(required)]
    content: Option<PostContent>,
    /// What is attached to it, in its author's order.
    attachments: Vec<FileView>,
    /// What `If-Match` names.
    version: u64,
}

impl PostView for PartyPostView {
    type Forum = Party;

    fn of(mut post: Post<Party>, author: AuthorView) -> Self {
        let (content, version) = (post.content.take(), post.version);
        Self { card: PartyPostCard::of(post, author), content, attachments: vec![], version }
    }

    fn with_files(self, attachments: Vec<FileView>) -> Self {
        Self { attachments, ..self }
    }
}

/// Somebody who wants to join a party, or has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "applicant": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "username": "김개발" }, "state": "PENDING",
    "message": "러스트를 석 달 공부했습니다.", "createdAt": "2026-11-24T00:00:00.000Z", "decidedAt": null,
}))]
pub struct PartyApplicationView {
    applicant: AuthorView,
    state: Admission,
    /// Markdown source, for the party's author.
    #[schema(required)]
    message: Option<ApplicationMessage>,
    created_at: Time,
    /// When the party's author decided last.
    #[schema(required)]
    decided_at: Option<Time>,
}

impl PartyApplicationView {
    /// What applicant and author see of an application.
    pub fn of(application: Application, applicant: AuthorView) -> Self {
        let Application { state, card, created_at, .. } = application;
        Self { applicant, state, message: card.message, created_at, decided_at: card.decided_at }
    }
}
