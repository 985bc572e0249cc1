//! What is shown of a community post.

use boards::{
    AuthorView,
    attachments::FileView,
    posts::{PostCard, PostView},
};
use domain::{
    forums::{Community, CommunityStatus},
    ids::CommentId,
    text::PostContent,
};
use serde::Serialize;
use storage::items::Post;
use utoipa::ToSchema;

/// A community post in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트에서 상태를 공유하는 방법", "category": "WEB_DEV",
    "tags": ["rust", "tokio"], "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" },
    "commentCount": 1, "likeCount": 3, "createdAt": "2026-11-24T00:00:00.000Z", "editedAt": null, "status": "SOLVED",
    "acceptedCommentId": "01KB2M3N4P5Q6R7S8T9V0W1X30",
}))]
pub struct CommunityPostCard {
    #[serde(flatten)]
    post: PostCard,
    status: CommunityStatus,
    /// The comment that the author accepted as the answer.
    #[schema(required)]
    accepted_comment_id: Option<CommentId>,
}

impl PostView for CommunityPostCard {
    type Forum = Community;

    fn of(post: Post<Community>, author: AuthorView) -> Self {
        let question = post.card.state;
        Self {
            post: PostCard::of(&post, author),
            status: question.status,
            accepted_comment_id: question.accepted_comment_id,
        }
    }
}

/// A community post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트에서 상태를 공유하는 방법", "category": "WEB_DEV",
    "tags": ["rust", "tokio"], "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" },
    "commentCount": 1, "likeCount": 3, "createdAt": "2026-11-24T00:00:00.000Z", "editedAt": null, "status": "SOLVED",
    "acceptedCommentId": "01KB2M3N4P5Q6R7S8T9V0W1X30", "content": "`Arc<Mutex<T>>`보다 나은 방법이 있을까요?", "attachments": [], "version": 2,
}))]
pub struct CommunityPostView {
    #[serde(flatten)]
    card: CommunityPostCard,
    /// Markdown source.
    #[schema(required)]
    content: Option<PostContent>,
    /// What is attached to it, in its author's order.
    attachments: Vec<FileView>,
    /// What `If-Match` names.
    version: u64,
}

impl PostView for CommunityPostView {
    type Forum = Community;

    fn of(mut post: Post<Community>, author: AuthorView) -> Self {
        let (content, version) = (post.content.take(), post.version);
        Self { card: CommunityPostCard::of(post, author), content, attachments: vec![], version }
    }

    fn with_files(self, attachments: Vec<FileView>) -> Self {
        Self { attachments, ..self }
    }
}
