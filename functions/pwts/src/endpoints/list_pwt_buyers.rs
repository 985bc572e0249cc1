//! `GET /v1/pwts/{pwtId}/buyers`: who has a seat of a project, for its tutor and admins.

use std::collections::BTreeMap;

use devloop_http::{Active, BadCursor, Json, ListScope, ListView, Paging, Path, Query};
use domain::{
    accounts::Standing,
    ids::{OrderId, PwtId, UserId},
    refusal::{Details, Reason, Refusal},
    text::WITHDRAWN,
    time::Time,
};
use serde::Serialize;
use storage::{
    Error,
    items::{Buyer, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    reading::{self, NotYours, PWT_NOT_FOUND},
};

/// Somebody who has a seat.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "username": "김개발", "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X30",
    "since": "2026-12-01T09:00:00.000Z",
}))]
pub struct BuyerView {
    user_id: UserId,
    username: String,
    /// The order that paid for it.
    order_id: OrderId,
    since: Time,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotYours(#[from] NotYours),
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND, Reason::FORBIDDEN, BadCursor::REASON];

    fn reason(&self) -> Reason {
        match self {
            Self::NotYours(refused) => refused.reason(),
            Self::BadCursor(refused) => refused.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotYours(refused) => refused.details(),
            Self::BadCursor(refused) => refused.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads a page, by user id, and the names of those on it.
pub async fn list_pwt_buyers(
    app: App,
    caller: Active,
    (Path(id), Query(paging)): (Path<PwtId>, Query<Paging>),
) -> Result<Json<ListView<BuyerView>>, Refused> {
    let pwt = reading::yours(&app, &caller.account, id).await?;
    let scope = ListScope::new("list_pwt_buyers", pwt.id, ());
    let after = app.position(&scope, paging.cursor())?;
    let query = storage::Query::partition(keys::buyers_of(id.into()), keys::BUYER);
    let page = app.table.page(&query, after, paging.limit(), |buyer: &Buyer| !buyer.refunding).await?;
    let users: Vec<User> = app.table.get_all(page.items.iter().map(|buyer| keys::user(buyer.user_id))).await?;
    let present = users.into_iter().filter(|user| user.standing != Standing::Withdrawn);
    let names: BTreeMap<UserId, String> = present.map(|user| (user.id, user.username.into())).collect();
    let view = |Buyer { user_id, order_id, since, .. }| {
        let username = names.get(&user_id).cloned().unwrap_or_else(|| WITHDRAWN.to_owned());
        BuyerView { user_id, username, order_id, since }
    };
    Ok(Json(app.list(&scope, page.map(view))))
}
