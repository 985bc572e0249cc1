//! `POST /v1/pwts`: a tutor proposes a project. Nobody else sees it before an admin approves.

use deserr::Deserr;
use devloop_http::{Created, Json, Tutor};
use domain::{
    accounts::Approval,
    boards::{Category, Level},
    money::Price,
    refusal::{Details, Reason, Refusal},
    text::{Description, Title},
    time::Time,
    validation::FieldErrors,
};
use storage::{Error, Write, WriteError, items::Pwt};
use utoipa::ToSchema;

use crate::{
    App, reading,
    rules::{Dates, Participants},
    views::PwtView,
};

/// A proposal. Sale opens < deadline ≤ start < end, and the deadline is ahead.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "title": "러스트로 만드는 서버리스", "description": "# 함께 만들어요", "price": 50000,
    "salesFrom": "2026-12-01T00:00:00Z", "deadline": "2026-12-24T00:00:00Z", "startsAt": "2027-01-04T00:00:00Z",
    "endsAt": "2027-02-04T00:00:00Z", "maxParticipants": 10, "level": "MEDIUM", "category": "WEB_DEV",
}))]
pub struct CreatePwt {
    title: Title,
    /// Markdown source.
    description: Description,
    price: Price,
    /// When the sale opens; on approval unless said otherwise.
    #[deserr(default)]
    sales_from: Option<Time>,
    deadline: Time,
    starts_at: Time,
    ends_at: Time,
    max_participants: Participants,
    level: Level,
    category: Category,
}

/// Why nothing was proposed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Dates(#[from] FieldErrors),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = FieldErrors::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::Dates(errors) => errors.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Dates(errors) => errors.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Stores the proposal.
pub async fn create_pwt(app: App, tutor: Tutor, Json(body): Json<CreatePwt>) -> Result<Created<PwtView>, Refused> {
    let now = app.clock.now();
    let CreatePwt { sales_from, deadline, starts_at, ends_at, .. } = body;
    Dates { sales_from, deadline, starts_at, ends_at }.check(Some(now))?;
    let pwt = Pwt {
        id: app.ids.id(),
        tutor_id: tutor.id,
        title: body.title,
        description: Some(body.description),
        price: body.price,
        sales_from,
        deadline,
        starts_at,
        ends_at,
        max_participants: body.max_participants.get(),
        level: body.level,
        category: body.category,
        approval: Approval::Pending,
        reason: None,
        seat_shards: 0,
        sold_out: false,
        on_sale: true,
        published_at: None,
        created_at: now,
        version: 1,
    };
    match app.table.write(Write::put(&pwt).if_absent()).await {
        Ok(()) => {}
        Err(WriteError::Unmet(_)) => return Err(Error::Corrupt("a new id is taken".to_owned()).into()),
        Err(WriteError::Storage(error)) => return Err(error.into()),
    }
    let (location, version) = (format!("/v1/pwts/{}", pwt.id), Some(pwt.version));
    Ok(Created { location, version, body: reading::view(&app, pwt).await? })
}
