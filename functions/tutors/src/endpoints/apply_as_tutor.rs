//! `POST /v1/tutor-applications`: applies to become a tutor. After a rejection one may apply anew.

use deserr::Deserr;
use devloop_http::{Created, IdempotencyKey, KeyRefused, MaybeIdempotent, Once, SignedIn, UNAUTHENTICATED};
use domain::{
    accounts::{Approval, Role},
    refusal::{Details, Reason, Refusal},
    text::{AccountNumber, RealName, WebUrl},
    validation::FieldErrors,
};
use sealing::Unsealed;
use storage::{
    Tx, Write,
    items::{TutorApplication, User},
    keys,
};
use utoipa::ToSchema;

use crate::{App, views::ApplicationView};

/// Who wants to teach.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "realName": "박튜터", "portfolioUrl": "https://github.com/park", "accountNumber": "110123456789",
}))]
pub struct ApplyAsTutor {
    /// As on the bank account.
    real_name: RealName,
    /// GitHub, a blog or the like.
    portfolio_url: WebUrl,
    /// Digits only. Kept encrypted; only its last four digits are ever answered.
    account_number: AccountNumber,
}

/// Why no application was made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is an application already")]
    Exists,
    #[error("already a tutor")]
    AlreadyTutor,
    #[error("not a plain user")]
    Forbidden,
    #[error("the account is not in use")]
    NotActive,
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const APPLICATION_EXISTS: Reason = Reason::conflict(
    "APPLICATION_EXISTS",
    "이미 제출한 튜터 신청이 있습니다.",
    "You have a tutor application already.",
);
const ALREADY_TUTOR: Reason = Reason::conflict("ALREADY_TUTOR", "이미 튜터입니다.", "You are a tutor already.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[APPLICATION_EXISTS, ALREADY_TUTOR, Reason::FORBIDDEN, UNAUTHENTICATED];

    fn reason(&self) -> Reason {
        match self {
            Self::Exists => APPLICATION_EXISTS,
            Self::AlreadyTutor => ALREADY_TUTOR,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::NotActive => UNAUTHENTICATED,
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) | Self::Unsealed(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

const OPERATION: &str = "apply_as_tutor";

/// Stores the application, unless there is one that was not rejected; once for each key if there is one. Who leaves or has
/// left leaves none behind.
pub async fn apply_as_tutor(
    app: App,
    caller: SignedIn,
    MaybeIdempotent { key, body }: MaybeIdempotent<ApplyAsTutor>,
) -> Result<Once<Created<ApplicationView>>, Refused> {
    let work = Box::pin(apply(&app, &caller, key.as_ref(), body));
    app.edge.recorded((caller.id, OPERATION, key.as_ref()), work).await
}

async fn apply(
    app: &App,
    caller: &SignedIn,
    key: Option<&IdempotencyKey>,
    body: ApplyAsTutor,
) -> Result<Created<ApplicationView>, Refused> {
    match caller.role {
        Role::User => {}
        Role::Tutor => return Err(Refused::AlreadyTutor),
        Role::Admin => return Err(Refused::Forbidden),
    }
    let before: Option<TutorApplication> = app.edge.table.get_now(keys::tutor_application(caller.id)).await?;
    match before.as_ref().map(|before| before.state) {
        None | Some(Approval::Rejected) => {}
        Some(Approval::Pending) => return Err(Refused::Exists),
        // The token is older than the approval.
        Some(Approval::Approved) => return Err(Refused::AlreadyTutor),
    }
    let now = app.edge.clock.now();
    let cipher = app.cipher.as_ref().ok_or(Unsealed)?;
    let application = TutorApplication {
        user_id: caller.id,
        real_name: body.real_name,
        portfolio_url: body.portfolio_url,
        account_cipher: Some(cipher.seal(body.account_number.expose(), &caller.id.to_string(), &app.edge.rng)?),
        account_last_four: body.account_number.last_four(),
        state: Approval::Pending,
        reason: None,
        created_at: now,
        // Counts on from the rejected one, so that a decision on that one cannot meet this one.
        version: before.as_ref().map_or(1, |before| before.version.saturating_add(1)),
    };
    let write = Write::put(&application);
    let write = match before {
        Some(before) => write.if_is("state", Approval::Rejected).if_is("version", before.version),
        None => write.if_absent(),
    };
    let location = "/v1/tutor-applications/me".to_owned();
    let created = Created { location, version: None, body: ApplicationView::of(application) };
    let answer = key.map(|_| created.recorded()).transpose()?;
    let record = key.zip(answer).map(|(key, answer)| key.succeed(caller.id, OPERATION, answer, now));
    Tx::once(app.edge.ids.token())
        .and(User::must_be_active(caller.id), Refused::NotActive)
        .and(write, Refused::Exists)
        .and_all(record.map(|record| (record, Refused::Exists)))
        .commit(&app.edge.table)
        .await
        .map_err(|error| error.first(Refused::Storage))?;
    Ok(created)
}
