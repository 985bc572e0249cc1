//! `PATCH /v1/pwts/{pwtId}`: its tutor changes a project.
//!
//! Of a project on sale, one transaction changes the post and, where seats or the terms of the
//! sale change, all shards of its seats: a buyer's write meets either the old terms or the new.
//! A rejected project that is changed waits for approval again.

use deserr::Deserr;
use devloop_http::{IfMatch, Json, Path, SignedIn, Versioned, stale};
use domain::{
    accounts::{Approval, Role},
    boards::{Category, Level},
    ids::PwtId,
    money::Price,
    refusal::{Details, Reason, Refusal},
    text::{Description, Title},
    time::Time,
    validation::FieldErrors,
};
use serde_json::Value;
use storage::{
    Error, Tx, TxError, WriteError,
    items::{Pwt, SaleFacts, SeatShard},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    reading::{self, PWT_NOT_FOUND, shards_of},
    rules::{Dates, Participants},
    stock,
    views::PwtView,
};

/// What to change; what is absent stays.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "title": "러스트로 만드는 서버리스 2기", "maxParticipants": 20 }))]
pub struct UpdatePwt {
    #[deserr(default)]
    title: Option<Title>,
    /// Markdown source.
    #[deserr(default)]
    description: Option<Description>,
    /// Orders keep the price they were made with.
    #[deserr(default)]
    price: Option<Price>,
    #[deserr(default)]
    sales_from: Option<Time>,
    #[deserr(default)]
    deadline: Option<Time>,
    #[deserr(default)]
    starts_at: Option<Time>,
    #[deserr(default)]
    ends_at: Option<Time>,
    /// No fewer than the seats in use.
    #[deserr(default)]
    max_participants: Option<Participants>,
    #[deserr(default)]
    level: Option<Level>,
    #[deserr(default)]
    category: Option<Category>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project, or not the caller's to know of")]
    NotFound,
    #[error("not the caller's project")]
    Forbidden,
    #[error("another version than the one that was seen")]
    Stale(u64, Value),
    #[error("{0} seats are in use")]
    SeatsInUse(u32),
    #[error(transparent)]
    Dates(#[from] FieldErrors),
    #[error(transparent)]
    Storage(#[from] Error),
}

const SEATS_IN_USE: Reason = Reason::conflict(
    "SEATS_IN_USE",
    "이미 판매되었거나 결제 대기 중인 좌석보다 적게 줄일 수 없습니다.",
    "There cannot be fewer seats than are held or sold.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[PWT_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT, SEATS_IN_USE, Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::SeatsInUse(_) => SEATS_IN_USE,
            Self::Dates(errors) => errors.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Stale(version, current) => stale(*version, current.clone()),
            Self::SeatsInUse(in_use) => Details::default().with("inUse", *in_use),
            Self::Dates(errors) => errors.details(),
            Self::Storage(error) => error.details(),
            Self::NotFound | Self::Forbidden => Details::default(),
        }
    }
}

/// How often the change is worked out again because seats moved meanwhile.
const TRIES: usize = 5;

/// Changes the version that was seen.
pub async fn update_pwt(
    app: App,
    caller: SignedIn,
    (Path(id), seen, Json(body)): (Path<PwtId>, IfMatch, Json<UpdatePwt>),
) -> Result<Versioned<PwtView>, Refused> {
    for _ in 0..TRIES {
        let pwt: Pwt = app.table.get_now(keys::pwt(id)).await?.ok_or(Refused::NotFound)?;
        if pwt.tutor_id != caller.id {
            let known = pwt.approval == Approval::Approved || caller.role == Role::Admin;
            return Err(if known { Refused::Forbidden } else { Refused::NotFound });
        }
        let version = pwt.version;
        if !seen.is(version) {
            return Err(Refused::Stale(version, reading::as_member(&reading::view(&app, pwt).await?)?));
        }
        let shards = shards_of(&app, &pwt).await?;
        let mut revised = body.clone().applied_to(&pwt, app.clock.now())?;
        if let Some(shards) = commit(&app, &pwt, &mut revised, shards).await? {
            let (version, body) = (revised.version, reading::view_with(&app, revised, &shards).await?);
            return Ok(Versioned { version, body });
        }
    }
    Err(Error::Busy { operation: "update_pwt" }.into())
}

impl UpdatePwt {
    /// `pwt` with the changes, if its dates are still in order.
    fn applied_to(self, pwt: &Pwt, now: Time) -> Result<Pwt, FieldErrors> {
        let dates = Dates {
            sales_from: self.sales_from.or(pwt.sales_from),
            deadline: self.deadline.unwrap_or(pwt.deadline),
            starts_at: self.starts_at.unwrap_or(pwt.starts_at),
            ends_at: self.ends_at.unwrap_or(pwt.ends_at),
        };
        dates.check(self.deadline.filter(|deadline| *deadline != pwt.deadline).map(|_| now))?;
        let decided_again = pwt.approval == Approval::Rejected;
        Ok(Pwt {
            title: self.title.unwrap_or_else(|| pwt.title.clone()),
            description: self.description.or_else(|| pwt.description.clone()),
            price: self.price.unwrap_or(pwt.price),
            sales_from: dates.sales_from,
            deadline: dates.deadline,
            starts_at: dates.starts_at,
            ends_at: dates.ends_at,
            max_participants: self.max_participants.map_or(pwt.max_participants, Participants::get),
            level: self.level.unwrap_or(pwt.level),
            category: self.category.unwrap_or(pwt.category),
            approval: if decided_again { Approval::Pending } else { pwt.approval },
            reason: if decided_again { None } else { pwt.reason.clone() },
            version: pwt.version.saturating_add(1),
            ..pwt.clone()
        })
    }
}

/// Makes the change and answers the seats after it; `None` if the post or its seats moved meanwhile.
async fn commit(
    app: &App,
    pwt: &Pwt,
    revised: &mut Pwt,
    shards: Vec<SeatShard>,
) -> Result<Option<Vec<SeatShard>>, Refused> {
    let terms = revised.sale_facts().zip(shards.first().map(|shard| shard.sale));
    // Whether the tutor still sells is no matter of this operation.
    let terms = terms.map(|(wanted, now)| (SaleFacts { on_sale: now.on_sale, ..wanted }, now));
    match terms {
        Some((wanted, now)) if wanted != now || revised.max_participants != pwt.max_participants => {
            let stock = stock::counted(&shards);
            let in_use = stock.total().saturating_sub(stock.available);
            let after = stock::resized(revised, &shards, wanted).ok_or(Refused::SeatsInUse(in_use))?;
            revised.seat_shards = u32::try_from(after.len()).unwrap_or(u32::MAX);
            let post = revised.revise(pwt.version).set("soldOut", stock::left(&after) == 0);
            let seats = stock::writes(&shards, &after).into_iter().map(|write| (write, ()));
            match Tx::once(app.ids.token()).and(post, ()).and_all(seats).commit(&app.table).await {
                Ok(()) => Ok(Some(after)),
                Err(TxError::Unmet(_)) => Ok(None),
                Err(TxError::Storage(error)) => Err(error.into()),
            }
        }
        _ => match app.table.write(revised.revise(pwt.version)).await {
            Ok(()) => Ok(Some(shards)),
            Err(WriteError::Unmet(_)) => Ok(None),
            Err(WriteError::Storage(error)) => Err(error.into()),
        },
    }
}
