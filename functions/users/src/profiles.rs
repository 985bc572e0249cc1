//! Profiles: a user's own, and what everybody sees.

use domain::{
    accounts::{Approval, Role},
    ids::UserId,
    text::{Email, Username, WebUrl},
};
use futures::future::try_join;
use serde::Serialize;
use storage::{
    Error,
    items::{TutorApplication, User},
    keys,
};
use utoipa::ToSchema;

use crate::App;

/// The picture of everybody who has chosen none.
pub const DEFAULT_IMAGE: &str = "https://cdn.devloop.kr/defaults/profile.png";

/// A profile, for its owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "email": "kim@example.com", "username": "김개발", "role": "USER",
    "profileImageUrl": "https://cdn.devloop.kr/defaults/profile.png", "parties": [], "posts": [],
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
    profile_image_url: &'static str,
    /// The newest study parties; none until there is a board for them.
    #[schema(value_type = Vec<Object>)]
    parties: [(); 0],
    /// The newest community posts; none until there is a board for them.
    #[schema(value_type = Vec<Object>)]
    posts: [(); 0],
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

impl Me {
    /// The account and its application as they are now, with the account's version.
    pub async fn read(app: &App, user: UserId) -> Result<(u64, Self), Error> {
        let account = app.table.get_now::<User>(keys::user(user));
        let application = app.table.get_now::<TutorApplication>(keys::tutor_application(user));
        let (account, application) = Box::pin(try_join(account, application)).await?;
        let account = account.ok_or_else(|| Error::Corrupt("a token's user has no account".to_owned()))?;
        let state = |application: TutorApplication| ApplicationState {
            portfolio_url: application.portfolio_url,
            state: application.state,
        };
        let me = Self {
            id: account.id,
            email: account.email,
            username: account.username,
            role: account.role,
            profile_image_url: DEFAULT_IMAGE,
            parties: [],
            posts: [],
            tutor_application: application.map(state),
            slack_linked: false,
        };
        Ok((account.version, me))
    }
}
