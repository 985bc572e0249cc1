//! `POST /v1/auth/withdraw`: leaves, and takes along everything personal.
//!
//! First the account stops ordering, then what is open is looked for: what began before is found,
//! and nothing begins after. The account itself goes last, so that a withdrawal that was cut off
//! can be sent again.

use deserr::Deserr;
use devloop_http::{From, Json, NoContent, SignedIn, UNAUTHENTICATED};
use domain::{
    accounts::Standing,
    refusal::{Details, Reason, Refusal},
    text::Password,
    validation::FieldErrors,
};
use storage::{Error, items::User, keys};
use utoipa::ToSchema;

use crate::{
    App,
    passwords::{NotProven, prove_again},
    withdrawal::{self, Unfinished},
};

/// Proof that it is the owner who leaves.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "password": "correct horse battery" }))]
pub struct WithdrawAccount {
    password: Password,
}

/// Why the account stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is no such account any more, or another password")]
    Gone,
    #[error("something has to be seen through first: {0:?}")]
    Unfinished(Unfinished),
    #[error("somebody called it off meanwhile")]
    CalledOff,
    #[error(transparent)]
    NotProven(#[from] NotProven),
    #[error(transparent)]
    Storage(#[from] Error),
}

const OPEN_ORDERS: Reason = Reason::conflict(
    "OPEN_ORDERS",
    "진행 중인 주문이나 환불이 있어 탈퇴할 수 없습니다.",
    "You have an open order or a refund under way.",
);
const UNFINISHED_PROJECTS: Reason = Reason::conflict(
    "UNFINISHED_PROJECTS",
    "아직 끝나지 않은 프로젝트가 있어 탈퇴할 수 없습니다. 프로젝트가 끝나거나 환불된 뒤에 다시 시도해 주세요.",
    "A project that you paid for or lead is not over; try again when it has ended or was refunded.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        UNAUTHENTICATED,
        OPEN_ORDERS,
        UNFINISHED_PROJECTS,
        NotProven::INVALID_CREDENTIALS,
        NotProven::TOO_MANY_REQUESTS,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::Gone => UNAUTHENTICATED,
            Self::Unfinished(Unfinished::Orders(_)) => OPEN_ORDERS,
            Self::Unfinished(Unfinished::Projects(_)) => UNFINISHED_PROJECTS,
            Self::CalledOff => Reason::BUSY,
            Self::NotProven(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        let told = |ids: Vec<String>, name| Details::default().with(name, ids);
        match self {
            Self::Gone => Details::default(),
            Self::Unfinished(Unfinished::Orders(ids)) => {
                told(ids.iter().map(ToString::to_string).collect(), "orderIds")
            }
            Self::Unfinished(Unfinished::Projects(ids)) => {
                told(ids.iter().map(ToString::to_string).collect(), "pwtIds")
            }
            Self::CalledOff => Details::retry_after(1),
            Self::NotProven(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Leaves, or says what has to be seen through first and leaves the account as it was.
pub async fn withdraw_account(
    app: App,
    caller: SignedIn,
    (From(address), Json(body)): (From, Json<WithdrawAccount>),
) -> Result<NoContent, Refused> {
    let account: Option<User> = app.edge.table.get_now(keys::user(caller.id)).await?;
    let account = account.filter(|account| account.standing != Standing::Withdrawn).ok_or(Refused::Gone)?;
    let account = prove_again(&app, account, address, &body.password).await?;
    let leaving = withdrawal::begin(&app, account).await?.ok_or(Refused::Gone)?;
    let unseen = match withdrawal::look(&app, leaving.id, app.edge.clock.now()).await? {
        Ok(unseen) => unseen,
        Err(unfinished) => {
            withdrawal::call_off(&app, &leaving).await?;
            return Err(Refused::Unfinished(unfinished));
        }
    };
    withdrawal::clear(&app, leaving.id, unseen).await?;
    if withdrawal::finish(&app, &leaving).await? { Ok(NoContent) } else { Err(Refused::CalledOff) }
}
