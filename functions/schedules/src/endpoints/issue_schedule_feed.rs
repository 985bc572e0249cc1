//! `POST /v1/schedules/{scheduleId}/feed`: a secret address at which the member's calendar program
//! reads the schedule. Another one takes the place of the one before.

use config::Secret;
use devloop_http::{Created, Path};
use domain::{
    ids::ScheduleId,
    refusal::{Details, Reason, Refusal},
};
use serde::{Serialize, Serializer};
use storage::{Error, Tx, TxError, items::Feed, keys};
use utoipa::ToSchema;

use crate::{App, members::ScheduleMember};

fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Where the calendar is, for its member only: it is told this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "path": "/v1/feeds/6d1f0c5e9a7b4c3d2e1f00112233445566778899aabbccddeeff001122334455.ics",
}))]
pub struct FeedAddress {
    /// To be put after the API's own address. Whoever knows it reads the schedule.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    path: Secret,
}

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        let Self::Storage(error) = self;
        error.reason()
    }

    fn details(&self) -> Details {
        let Self::Storage(error) = self;
        error.details()
    }
}

/// How often it is tried again because another address was issued meanwhile.
const TRIES: usize = 3;

/// Issues an address with 256 random bits, of which only the hash is kept.
pub async fn issue_schedule_feed(
    app: App,
    member: ScheduleMember,
    Path(schedule): Path<ScheduleId>,
) -> Result<Created<FeedAddress>, Refused> {
    let secret = hex::encode(app.rng.bytes::<32>());
    let feed = Feed {
        user_id: member.user,
        schedule_id: schedule,
        secret_hash: keys::hashed(&secret),
        issued_at: app.clock.now(),
    };
    for _ in 0..TRIES {
        let before: Option<Feed> = app.table.get_now(keys::feed(member.user, schedule)).await?;
        let writes = feed.issue(before.as_ref()).into_iter().map(|write| (write, ()));
        match Tx::once(app.ids.token()).and_all(writes).commit(&app.table).await {
            Ok(()) => {
                let location = format!("/v1/feeds/{secret}.ics");
                let path = Secret::new(location.as_str());
                return Ok(Created { location, version: None, body: FeedAddress { path } });
            }
            Err(TxError::Unmet(_)) => {}
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "issue_schedule_feed" }.into())
}
