//! `POST /v1/parties/{postId}/applications`: asks to join a study party.
//!
//! One transaction writes the application, unless there is one, and requires that the party still
//! recruits. Who has applied already is answered where that stands.

use boards::{
    AuthorView, TRIES,
    posts::{POST_NOT_FOUND, written_by},
};
use deserr::Deserr;
use devloop_http::{Active, Created, Ensured, KeyRefused, MaybeIdempotent, Once, Path};
use domain::{
    boards::Board,
    forums::{Admission, PartyStatus},
    ids::PostId,
    refusal::{Details, Reason, Refusal},
    text::ApplicationMessage,
    validation::FieldErrors,
};
use storage::{
    Error, Tx, TxError, Write,
    items::{Application, ApplicationCard},
    keys,
};
use utoipa::ToSchema;

use crate::{App, applications, views::PartyApplicationView};

/// What the party's author should know.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "message": "러스트를 석 달 공부했습니다." }))]
pub struct ApplyToParty {
    /// Markdown source.
    #[deserr(default)]
    message: Option<ApplicationMessage>,
}

/// Why nobody has applied.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such party")]
    NoParty,
    #[error("the caller's own party")]
    Own,
    #[error("the party takes no applications any more")]
    Closed,
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Storage(#[from] Error),
}

const OWN_PARTY: Reason = Reason::conflict(
    "OWN_PARTY",
    "내가 만든 파티에는 신청할 수 없습니다.",
    "This is your own party: you are in it already.",
);
const PARTY_CLOSED: Reason =
    Reason::conflict("PARTY_CLOSED", "모집이 끝난 파티입니다.", "This party takes no applications any more.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, OWN_PARTY, PARTY_CLOSED];

    fn reason(&self) -> Reason {
        match self {
            Self::NoParty => POST_NOT_FOUND,
            Self::Own => OWN_PARTY,
            Self::Closed => PARTY_CLOSED,
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            Self::NoParty | Self::Own | Self::Closed => Details::default(),
        }
    }
}

const OPERATION: &str = "apply_to_party";

/// Sends the application, unless there is one, and once for each key if there is one.
pub async fn apply_to_party(
    app: App,
    caller: Active,
    (Path(id), MaybeIdempotent { key, body }): (Path<PostId>, MaybeIdempotent<ApplyToParty>),
) -> Result<Once<Ensured<PartyApplicationView>>, Refused> {
    let work = Box::pin(apply(&app, &caller, id, body));
    match key {
        // A view is written as JSON in every answer; without a record a repeat finds the application.
        Some(key) => app.once((caller.id(), OPERATION, &key), work, |sent| sent.recorded().ok()).await,
        None => work.await.map(Once::Fresh),
    }
}

async fn apply(
    app: &App,
    caller: &Active,
    id: PostId,
    body: ApplyToParty,
) -> Result<Ensured<PartyApplicationView>, Refused> {
    let sent = Application {
        user_id: caller.id(),
        state: Admission::Pending,
        card: ApplicationCard { party_id: id, message: body.message, decided_at: None },
        created_at: app.clock.now(),
        version: 1,
    };
    let view = |application| PartyApplicationView::of(application, AuthorView::of(&caller.account));
    for _ in 0..TRIES {
        let (party, found) = applications::read(app, id, caller.id()).await?;
        let party = party.ok_or(Refused::NoParty)?;
        if written_by(&party, caller.id()) {
            return Err(Refused::Own);
        }
        if let Some(found) = found {
            return Ok(Ensured::Found(view(found)));
        }
        if party.card.state.status != PartyStatus::Recruiting {
            return Err(Refused::Closed);
        }
        let recruits = Write::check(keys::post(Board::Party, id)).if_is("card.status", PartyStatus::Recruiting);
        let tx = Tx::once(app.ids.token()).and(Write::put(&sent).if_absent(), ()).and(recruits, ());
        match tx.commit(&app.table).await {
            Ok(()) => {
                let location = format!("{}/applications/me", boards::location(Board::Party, id));
                return Ok(Ensured::Created(Created { location, version: None, body: view(sent) }));
            }
            // Applied twice at once, or closed meanwhile: look again.
            Err(TxError::Unmet(_)) => {}
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
