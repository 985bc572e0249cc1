//! `POST /v1/pwts`: a tutor proposes a project. Nobody else sees it before an admin approves.

use deserr::Deserr;
use devloop_http::{Created, IdempotencyKey, KeyRefused, MaybeIdempotent, Once, Tutor};
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
    #[error("the key has a record meanwhile")]
    Repeat,
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = FieldErrors::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::Dates(errors) => errors.reason(),
            // Only if that record ended in this very moment: trying again tells.
            Self::Repeat => Reason::BUSY,
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Dates(errors) => errors.details(),
            Self::Key(error) => error.details(),
            Self::Repeat | Self::Unwritable(_) => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "create_pwt";

/// Stores the proposal, once for each key if there is one.
pub async fn create_pwt(
    app: App,
    tutor: Tutor,
    MaybeIdempotent { key, body }: MaybeIdempotent<CreatePwt>,
) -> Result<Once<Created<PwtView>>, Refused> {
    let work = Box::pin(create(&app, &tutor, key.as_ref(), body));
    app.recorded((tutor.id, OPERATION, key.as_ref()), work).await
}

async fn create(
    app: &App,
    tutor: &Tutor,
    key: Option<&IdempotencyKey>,
    body: CreatePwt,
) -> Result<Created<PwtView>, Refused> {
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
    let write = Write::put(&pwt).if_absent();
    let (location, version) = (format!("/v1/pwts/{}", pwt.id), Some(pwt.version));
    let created = Created { location, version, body: reading::view(app, pwt).await? };
    let answer = key.map(|_| created.recorded()).transpose()?;
    let record = key.zip(answer).map(|(key, answer)| key.succeed(tutor.id, OPERATION, answer, now));
    match app.write_recorded(write, record).await {
        Ok(()) => Ok(created),
        // A new id is nobody's.
        Err(WriteError::Unmet(_)) => Err(Refused::Repeat),
        Err(WriteError::Storage(error)) => Err(error.into()),
    }
}
