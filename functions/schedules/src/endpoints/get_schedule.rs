//! `GET /v1/pwts/{pwtId}/schedule`: the schedule of a PWT, its tutor and, page by page, its buyers.

use std::collections::{BTreeMap, BTreeSet};

use deserr::Deserr;
use devloop_http::{Cursor, Json, Limit, ListRefused, ListScope, ListView, Path, Query};
use domain::{
    accounts::Standing,
    ids::{PwtId, ScheduleId, UserId},
    text::{Title, WITHDRAWN},
    time::Time,
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{
    items::{Buyer, User},
    keys,
};
use utoipa::ToSchema;

use crate::{App, members::PwtMember};

/// Which page of the members.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct GetSchedule {
    #[deserr(default)]
    #[schema(required = false)]
    limit: Limit,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// A schedule and who is on it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "scheduleId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "Rust로 만드는 서버리스 백엔드",
    "tutor": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X30", "username": "박튜터" },
    "members": {
        "items": [{ "userId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "username": "김개발", "since": "2026-11-23T09:00:00.000Z" }],
        "nextCursor": null,
    },
}))]
pub struct ScheduleView {
    /// Names the schedule in the routes of its todos.
    schedule_id: ScheduleId,
    /// The title of the PWT.
    title: Title,
    /// Who leads it.
    tutor: TutorView,
    /// The buyers, by their ids.
    members: Members,
}

/// A page of the buyers.
type Members = ListView<MemberView>;

/// Who leads a PWT.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "id": "01KB2M3N4P5Q6R7S8T9V0W1X30", "username": "박튜터" }))]
pub struct TutorView {
    /// Who.
    id: UserId,
    /// What they are called.
    username: String,
}

/// A buyer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "username": "김개발", "since": "2026-11-23T09:00:00.000Z",
}))]
pub struct MemberView {
    /// Who.
    user_id: UserId,
    /// What they are called.
    username: String,
    /// When they joined.
    since: Time,
}

/// Reads a page of the buyers, and the names of those on it.
pub async fn get_schedule(
    app: App,
    PwtMember(member): PwtMember,
    (Path(pwt), Query(query)): (Path<PwtId>, Query<GetSchedule>),
) -> Result<Json<ScheduleView>, ListRefused> {
    let scope = ListScope::new("get_schedule", pwt, ());
    let after = app.position(&scope, query.cursor.as_ref())?;
    let buyers = storage::Query::partition(keys::buyers_of(pwt.into()), keys::BUYER);
    let page = app.table.page(&buyers, after, query.limit.get(), |buyer: &Buyer| !buyer.refunding).await?;
    let tutor = member.pwt.tutor_id;
    // A set: the tutor may hold a seat, too, and one batch may name a key only once.
    let people: BTreeSet<UserId> = page.items.iter().map(|buyer| buyer.user_id).chain([tutor]).collect();
    let users: Vec<User> = app.table.get_all(people.into_iter().map(keys::user)).await?;
    let names = Names::of(users);
    let buyer =
        |buyer: Buyer| MemberView { username: names.name(buyer.user_id), user_id: buyer.user_id, since: buyer.since };
    Ok(Json(ScheduleView {
        schedule_id: member.schedule(),
        title: member.pwt.title,
        tutor: TutorView { username: names.name(tutor), id: tutor },
        members: app.list(&scope, page.map(buyer)),
    }))
}

/// What the people of a page are called.
struct Names(BTreeMap<UserId, String>);

impl Names {
    fn of(users: Vec<User>) -> Self {
        let present = users.into_iter().filter(|user| user.standing != Standing::Withdrawn);
        Self(present.map(|user| (user.id, user.username.into())).collect())
    }

    /// Who withdrew has no name any more.
    fn name(&self, user: UserId) -> String {
        self.0.get(&user).cloned().unwrap_or_else(|| WITHDRAWN.to_owned())
    }
}
