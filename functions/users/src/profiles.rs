//! Profiles: a user's own, and what everybody sees.

use domain::{
    accounts::{Approval, Role},
    boards::Category,
    forums::{Community, CommunityStatus, Forum, Party, PartyStatus},
    ids::{PostId, UserId},
    text::{Email, PostTitle, Username, WebUrl},
    time::Time,
};
use futures::future::try_join4;
use serde::Serialize;
use storage::{
    Error, Query,
    items::{Post, TutorApplication, User},
    keys,
};
use utoipa::ToSchema;

use crate::App;

/// The picture of everybody who has chosen none.
const DEFAULT_IMAGE: &str = "defaults/profile.png";

/// Where the picture of an account is.
pub fn image_url(app: &App, account: &User) -> String {
    app.cdn.url(account.image.as_ref().map_or(DEFAULT_IMAGE, |image| &image.key))
}

/// A profile, for its owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "email": "kim@example.com", "username": "김개발", "role": "USER",
    "profileImageUrl": "https://cdn.devloop.kr/defaults/profile.png",
    "parties": [{
        "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "매주 토요일 러스트 스터디", "category": "WEB_DEV", "status": "RECRUITING",
        "commentCount": 0, "createdAt": "2026-11-24T00:00:00.000Z",
    }],
    "posts": [{
        "id": "01KB2M3N4P5Q6R7S8T9V0W1X30", "title": "러스트에서 상태를 공유하는 방법", "category": "WEB_DEV", "status": "SOLVED",
        "commentCount": 1, "createdAt": "2026-11-24T00:00:00.000Z",
    }],
    "tutorApplication": { "portfolioUrl": "https://github.com/kim", "state": "PENDING" }, "slackLinked": false,
}))]
pub struct Me {
    id: UserId,
    /// None if a provider withholds it.
    #[schema(required)]
    email: Option<Email>,
    username: Username,
    /// As it is now, which may be newer than the token.
    role: Role,
    profile_image_url: String,
    /// The newest study parties, at most five.
    parties: Vec<OwnParty>,
    /// The newest community posts, at most five.
    posts: Vec<OwnPost>,
    /// None before the first application.
    #[schema(required)]
    tutor_application: Option<ApplicationState>,
    slack_linked: bool,
}

/// Where the caller's tutor application stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationState {
    portfolio_url: WebUrl,
    state: Approval,
}

/// A study party that the caller recruited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnParty {
    id: PostId,
    title: PostTitle,
    category: Category,
    status: PartyStatus,
    comment_count: u32,
    created_at: Time,
}

impl OwnParty {
    fn of(post: Post<Party>) -> Self {
        let Post { id, title, category, card, counts, created_at, .. } = post;
        Self { id, title, category, status: card.state.status, comment_count: counts.comments, created_at }
    }
}

/// A community post of the caller's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnPost {
    id: PostId,
    title: PostTitle,
    category: Category,
    status: CommunityStatus,
    comment_count: u32,
    created_at: Time,
}

impl OwnPost {
    fn of(post: Post<Community>) -> Self {
        let Post { id, title, category, card, counts, created_at, .. } = post;
        Self { id, title, category, status: card.state.status, comment_count: counts.comments, created_at }
    }
}

/// How many posts of each board are shown.
const NEWEST: usize = 5;

async fn newest<F: Forum>(app: &App, author: UserId) -> Result<Vec<Post<F>>, Error> {
    let query = Query::index("gsi2", keys::posts_of(author, F::BOARD)).newest_first();
    Ok(app.table.page(&query, None, NEWEST, |_: &Post<F>| true).await?.items)
}

impl Me {
    /// The account and its application as they are now, with the account's version; its newest posts may be a moment old.
    pub async fn read(app: &App, user: UserId) -> Result<(u64, Self), Error> {
        let account = app.table.get_now::<User>(keys::user(user));
        let application = app.table.get_now::<TutorApplication>(keys::tutor_application(user));
        let (parties, posts) = (newest::<Party>(app, user), newest::<Community>(app, user));
        let (account, application, parties, posts) = Box::pin(try_join4(account, application, parties, posts)).await?;
        let account = account.ok_or_else(|| Error::Corrupt("a token's user has no account".to_owned()))?;
        let state = |application: TutorApplication| ApplicationState {
            portfolio_url: application.portfolio_url,
            state: application.state,
        };
        let me = Self {
            profile_image_url: image_url(app, &account),
            id: account.id,
            email: account.email,
            username: account.username,
            role: account.role,
            parties: parties.into_iter().map(OwnParty::of).collect(),
            posts: posts.into_iter().map(OwnPost::of).collect(),
            tutor_application: application.map(state),
            slack_linked: false,
        };
        Ok((account.version, me))
    }
}
