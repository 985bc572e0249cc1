//! `PUT /v1/communities/{postId}/accepted-comment`: its author accepts a comment as the answer, or
//! takes that back. The status follows.
//!
//! One transaction requires that the comment is there and that the post is as it was read, so a
//! comment that is deleted meanwhile is never accepted.

use boards::{
    TRIES,
    comments::COMMENT_NOT_FOUND,
    posts::{self, POST_NOT_FOUND, Untouched},
};
use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use devloop_http::{Active, Json, Path, Versioned};
use domain::{
    boards::Board,
    forums::{Community, Question},
    ids::{CommentId, PostId},
    refusal::{Details, Reason, Refusal},
    validation::{FieldErrors, Invalid},
};
use storage::{
    Error, Tx, TxError,
    items::{Comment, Post},
};
use utoipa::ToSchema;

use crate::{App, views::CommunityPostView};

/// Which comment is the answer.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "commentId": "01KB2M3N4P5Q6R7S8T9V0W1X30" }))]
pub struct AcceptComment {
    /// Null takes the accepted one back.
    #[schema(required, value_type = Option<CommentId>)]
    comment_id: Answer,
}

/// An id or null: leaving it out says neither.
#[derive(Clone, Copy, Debug)]
struct Answer(Option<CommentId>);

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for Answer {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        Option::deserialize_from_value(value, location).map(Self)
    }
}

/// Why the answer is what it was.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Untouched(#[from] Untouched),
    #[error("no such comment")]
    NoComment,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Untouched(error.into())
    }
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, Reason::FORBIDDEN, COMMENT_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::Untouched(untouched) => untouched.reason(),
            Self::NoComment => COMMENT_NOT_FOUND,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Untouched(untouched) => untouched.details(),
            Self::NoComment => Details::default(),
        }
    }
}

/// Which part did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Comment,
    Post,
}

/// Puts the post where it is asked to stand, unless it stands there already.
pub async fn accept_comment(
    app: App,
    author: Active,
    (Path(id), Json(body)): (Path<PostId>, Json<AcceptComment>),
) -> Result<Versioned<CommunityPostView>, Refused> {
    let Answer(comment) = body.comment_id;
    let state = Question::answered_by(comment);
    for _ in 0..TRIES {
        let mut post: Post<Community> = posts::own(&app, author.id(), id).await?;
        if post.card.state != state {
            let exists = comment.map(|comment| (Comment::exists(Board::Community, id, comment), Lost::Comment));
            let tx = Tx::once(app.ids.token()).and(post.stand(&state), Lost::Post).and_all(exists);
            match tx.commit(&app.table).await {
                Ok(()) => {}
                Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal == Lost::Post) => continue,
                Err(TxError::Unmet(_)) => return Err(Refused::NoComment),
                Err(TxError::Storage(error)) => return Err(error.into()),
            }
            post.card.state = state;
            post.version = post.version.saturating_add(1);
        }
        return Ok(Versioned { version: post.version, body: posts::view(&app, post).await? });
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
