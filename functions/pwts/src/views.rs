//! What is shown of a project.

use domain::{
    accounts::Approval,
    boards::{Category, Level, Recruiting},
    ids::{PwtId, UserId},
    money::Price,
    text::{Description, Email, Reason, Title, Username},
    time::Time,
};
use serde::Serialize;
use storage::items::{Pwt, User};
use utoipa::ToSchema;

use crate::rules::recruiting;

/// A project in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트로 만드는 서버리스", "price": 50000,
    "salesFrom": "2026-12-01T00:00:00.000Z", "deadline": "2026-12-24T00:00:00.000Z",
    "startsAt": "2027-01-04T00:00:00.000Z", "endsAt": "2027-02-04T00:00:00.000Z", "maxParticipants": 10,
    "level": "MEDIUM", "category": "WEB_DEV", "status": "RECRUITING", "onSale": true, "approval": "APPROVED",
    "reason": null, "publishedAt": "2026-11-24T00:00:00.000Z", "createdAt": "2026-11-23T00:00:00.000Z",
}))]
pub struct PwtCard {
    id: PwtId,
    title: Title,
    /// What a seat costs now.
    price: Price,
    /// When the sale opens; none means "on approval".
    #[schema(required)]
    sales_from: Option<Time>,
    /// When the sale ends.
    deadline: Time,
    starts_at: Time,
    ends_at: Time,
    max_participants: u32,
    level: Level,
    category: Category,
    /// In lists it may be a moment behind the last seat.
    pub status: Recruiting,
    /// False once its tutor has closed the sale; a sold-out project is still on sale.
    on_sale: bool,
    approval: Approval,
    /// Why it was rejected.
    #[schema(required)]
    reason: Option<Reason>,
    /// When it became public.
    #[schema(required)]
    published_at: Option<Time>,
    created_at: Time,
}

impl PwtCard {
    /// What a list shows of `pwt` at `now`.
    pub fn of(pwt: Pwt, now: Time) -> Self {
        let unsellable = pwt.sold_out || !pwt.on_sale || pwt.approval != Approval::Approved;
        Self {
            id: pwt.id,
            title: pwt.title,
            price: pwt.price,
            sales_from: pwt.sales_from,
            deadline: pwt.deadline,
            starts_at: pwt.starts_at,
            ends_at: pwt.ends_at,
            max_participants: pwt.max_participants,
            level: pwt.level,
            category: pwt.category,
            status: recruiting(unsellable, pwt.deadline, now),
            on_sale: pwt.on_sale,
            approval: pwt.approval,
            reason: pwt.reason,
            published_at: pwt.published_at,
            created_at: pwt.created_at,
        }
    }
}

/// Who leads a project.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TutorView {
    id: UserId,
    username: Username,
}

impl TutorView {
    /// What everybody sees of a tutor.
    pub fn of(user: &User) -> Self {
        Self { id: user.id, username: user.username.clone() }
    }
}

/// A project in the public list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트로 만드는 서버리스", "price": 50000,
    "salesFrom": "2026-12-01T00:00:00.000Z", "deadline": "2026-12-24T00:00:00.000Z",
    "startsAt": "2027-01-04T00:00:00.000Z", "endsAt": "2027-02-04T00:00:00.000Z", "maxParticipants": 10,
    "level": "MEDIUM", "category": "WEB_DEV", "status": "RECRUITING", "onSale": true, "approval": "APPROVED",
    "reason": null, "publishedAt": "2026-11-24T00:00:00.000Z", "createdAt": "2026-11-23T00:00:00.000Z",
    "tutor": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "박튜터" },
}))]
pub struct PublicPwtCard {
    #[serde(flatten)]
    pub card: PwtCard,
    pub tutor: TutorView,
}

/// A project in an admin's list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트로 만드는 서버리스", "price": 50000,
    "salesFrom": null, "deadline": "2026-12-24T00:00:00.000Z",
    "startsAt": "2027-01-04T00:00:00.000Z", "endsAt": "2027-02-04T00:00:00.000Z", "maxParticipants": 10,
    "level": "MEDIUM", "category": "WEB_DEV", "status": "CLOSED", "onSale": true, "approval": "PENDING",
    "reason": null, "publishedAt": null, "createdAt": "2026-11-23T00:00:00.000Z",
    "tutor": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "박튜터" }, "tutorEmail": "park@example.com",
}))]
pub struct AdminPwtCard {
    #[serde(flatten)]
    pub card: PublicPwtCard,
    /// None if a provider withholds it.
    #[schema(required)]
    pub tutor_email: Option<Email>,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트로 만드는 서버리스", "price": 50000,
    "salesFrom": "2026-12-01T00:00:00.000Z", "deadline": "2026-12-24T00:00:00.000Z",
    "startsAt": "2027-01-04T00:00:00.000Z", "endsAt": "2027-02-04T00:00:00.000Z", "maxParticipants": 10,
    "level": "MEDIUM", "category": "WEB_DEV", "status": "RECRUITING", "onSale": true, "approval": "APPROVED",
    "reason": null, "publishedAt": "2026-11-24T00:00:00.000Z", "createdAt": "2026-11-23T00:00:00.000Z",
    "tutor": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "박튜터" },
    "description": "# 함께 만들어요", "seatsLeft": 7,
}))]
pub struct PwtView {
    #[serde(flatten)]
    pub card: PublicPwtCard,
    /// Markdown source.
    #[schema(required)]
    pub description: Option<Description>,
    /// How many seats anybody may take now; none before approval.
    #[schema(required)]
    pub seats_left: Option<u32>,
}

impl PwtView {
    /// The whole of `pwt` at `now`, with `left` seats.
    pub fn of(mut pwt: Pwt, tutor: TutorView, left: Option<u32>, now: Time) -> Self {
        // Here the seats were counted: no hint is needed.
        pwt.sold_out = left.is_none_or(|left| left == 0);
        let description = pwt.description.take();
        Self { card: PublicPwtCard { card: PwtCard::of(pwt, now), tutor }, description, seats_left: left }
    }
}

/// A project, for admins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "러스트로 만드는 서버리스", "price": 50000,
    "salesFrom": null, "deadline": "2026-12-24T00:00:00.000Z",
    "startsAt": "2027-01-04T00:00:00.000Z", "endsAt": "2027-02-04T00:00:00.000Z", "maxParticipants": 10,
    "level": "MEDIUM", "category": "WEB_DEV", "status": "CLOSED", "onSale": true, "approval": "PENDING",
    "reason": null, "publishedAt": null, "createdAt": "2026-11-23T00:00:00.000Z",
    "tutor": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "박튜터" },
    "description": "# 함께 만들어요", "seatsLeft": null, "tutorEmail": "park@example.com",
}))]
pub struct AdminPwtView {
    #[serde(flatten)]
    pub pwt: PwtView,
    /// None if a provider withholds it.
    #[schema(required)]
    pub tutor_email: Option<Email>,
}
