//! `GET /v1/users/{userId}`: what everybody sees of a user.

use devloop_http::{Cacheable, Path, Public};
use domain::{
    accounts::{Role, Standing},
    boards::Board,
    ids::UserId,
    refusal::{Details, Reason, Refusal},
    text::Username,
};
use futures::future::try_join3;
use serde::Serialize;
use storage::{Error, Query, items::User, keys};
use utoipa::ToSchema;

use crate::{App, profiles::image_url};

/// For how long caches may keep a profile, in seconds.
const MAX_AGE: u32 = 60;
/// As far as posts are counted: a profile costs no more, however much somebody wrote.
const MOST_COUNTED: usize = 100;

/// A profile, for everybody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "username": "김개발", "role": "TUTOR",
    "profileImageUrl": "https://cdn.devloop.kr/defaults/profile.png", "postCounts": { "community": 12, "party": 3 },
}))]
pub struct PublicProfile {
    id: UserId,
    username: Username,
    role: Role,
    profile_image_url: String,
    post_counts: PostCounts,
}

/// How many posts somebody has on each board; 100 means 100 or more.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostCounts {
    community: usize,
    party: usize,
}

/// Why nobody is shown.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such user, or one who left")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] Error),
}

const USER_NOT_FOUND: Reason =
    Reason::not_found("USER_NOT_FOUND", "존재하지 않는 사용자입니다.", "There is no such user.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[USER_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => USER_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads the account and counts its posts; either may be a moment old.
pub async fn get_user(app: App, _: Public, Path(id): Path<UserId>) -> Result<Cacheable<PublicProfile>, Refused> {
    let posts = |board| Query::index("gsi2", keys::posts_of(id, board));
    let (of_community, of_party) = (posts(Board::Community), posts(Board::Party));
    let counted = try_join3(
        app.table.get::<User>(keys::user(id)),
        app.table.count(&of_community, MOST_COUNTED),
        app.table.count(&of_party, MOST_COUNTED),
    );
    let (account, community, party) = Box::pin(counted).await?;
    let account = account.filter(|account| account.standing != Standing::Withdrawn).ok_or(Refused::NotFound)?;
    let body = PublicProfile {
        id,
        profile_image_url: image_url(&app, &account),
        username: account.username,
        role: account.role,
        post_counts: PostCounts { community, party },
    };
    Ok(Cacheable { max_age: MAX_AGE, version: None, body })
}
