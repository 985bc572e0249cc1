//! Who wrote something.

use std::collections::{BTreeMap, BTreeSet};

use domain::{accounts::Standing, ids::UserId, text::WITHDRAWN};
use serde::Serialize;
use storage::{Error, Table, items::User, keys};
use utoipa::ToSchema;

/// Who wrote something. Names are read when they are shown: who withdraws has none from then on.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" }))]
pub struct AuthorView {
    id: UserId,
    username: String,
}

impl AuthorView {
    /// What everybody sees of an account.
    pub fn of(user: &User) -> Self {
        match user.standing {
            Standing::Withdrawn => Self::gone(user.id),
            Standing::Active | Standing::Withdrawing => Self { id: user.id, username: user.username.clone().into() },
        }
    }

    /// What is left of one who withdrew.
    fn gone(id: UserId) -> Self {
        Self { id, username: WITHDRAWN.to_owned() }
    }
}

/// The authors of what a page shows.
#[derive(Debug)]
pub struct Authors(BTreeMap<UserId, AuthorView>);

impl Authors {
    /// Reads them in one batch; they may have changed a moment ago.
    pub async fn read(table: &Table, ids: impl IntoIterator<Item = UserId>) -> Result<Self, Error> {
        // A set: one batch may name a key only once.
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        let users: Vec<User> = table.get_all(ids.into_iter().map(keys::user)).await?;
        Ok(Self(users.iter().map(|user| (user.id, AuthorView::of(user))).collect()))
    }

    /// One of them.
    pub fn view(&self, id: UserId) -> AuthorView {
        self.0.get(&id).cloned().unwrap_or_else(|| AuthorView::gone(id))
    }
}
