//! `GET /v1/feeds/{file}`: a schedule as iCalendar, for whoever knows the secret in the address.
//!
//! The member whose address it is must still be one. Everything else is answered alike.

use std::{convert::Infallible, str::FromStr};

use config::Secret;
use devloop_http::{Document, Path, Private, Public};
use domain::{
    refusal::{Details, Reason, Refusal},
    text::Title,
};
use storage::{
    Error, Query,
    items::{FeedGuard, Todo},
    keys,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{App, icalendar, members::ScheduleMember};

/// For how long a reader's own programs may keep it, in seconds.
const MAX_AGE: u32 = 300;
/// The newest todos that a feed shows: an answer has to fit through a function.
const MOST_TODOS: usize = 1_000;

/// The last part of a feed's address: a secret, and `.ics`.
#[derive(Clone, Debug)]
pub struct FeedFile(Secret);

impl FromStr for FeedFile {
    type Err = Infallible;

    // Another form is another secret that nobody has.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text.strip_suffix(".ics").unwrap_or_default())))
    }
}

impl PartialSchema for FeedFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[0-9a-f]{64}\.ics$")).into()
    }
}

impl ToSchema for FeedFile {
    fn name() -> std::borrow::Cow<'static, str> {
        "FeedFile".into()
    }
}

/// A schedule, to be subscribed to.
#[derive(Debug)]
pub struct Feed {
    title: Title,
    todos: Vec<Todo>,
}

impl Document for Feed {
    const MEDIA_TYPE: &'static str = "text/calendar";
    const FILE_NAME: Option<&'static str> = Some("devloop.ics");

    fn document(&self) -> String {
        icalendar::document(&self.title, &self.todos)
    }
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such feed, or its owner is no member any more")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] Error),
}

const FEED_NOT_FOUND: Reason =
    Reason::not_found("FEED_NOT_FOUND", "존재하지 않는 캘린더 주소입니다.", "There is no calendar at this address.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[FEED_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => FEED_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Reads it as it is now.
pub async fn get_schedule_feed(
    app: App,
    _: Public,
    Path(FeedFile(secret)): Path<FeedFile>,
) -> Result<Private<Feed>, Refused> {
    let guard: Option<FeedGuard> = app.table.get_now(keys::feed_guard(&keys::hashed(secret.expose()))).await?;
    let guard = guard.ok_or(Refused::NotFound)?;
    let member = ScheduleMember::find(&app, guard.schedule_id.into(), guard.user_id).await?;
    let member = member.map_err(|_not_one| Refused::NotFound)?;
    let todos = Query::partition(keys::schedule_partition(guard.schedule_id), keys::TODO).newest_first();
    let todos = app.table.all(&todos, MOST_TODOS).await?;
    Ok(Private { max_age: MAX_AGE, body: Feed { title: member.pwt.title, todos } })
}
