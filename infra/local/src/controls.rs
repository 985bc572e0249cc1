//! `/_local`: what only the local server does. Moves the clock, starts the workers, shows holds and queues, breaks
//! dependencies, tells where things are.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State, rejection::JsonRejection},
    http::{StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use clock::Movable;
use domain::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::Table;
use tokio::sync::Mutex;

use crate::{
    cloudfront::{CloudFront, Invalidation, Kept},
    controls_page,
    data_folder::{DataFolder, FolderError},
    demo::DemoAccount,
    dependencies::{Dependencies, NotTurned, Shown, Turn},
    overview::{DeadLetter, OpenOrders},
    queues::Pump,
    schedules::{Ran, Schedules},
    sqs::{self, Depth, Sqs},
    stream::{NotPlayed, Played, Shown as ShownShard, StreamPump, Unreadable},
};

/// How far the clock can be ahead in all: a century.
const FARTHEST_SECONDS: i64 = 100 * 366 * 24 * 60 * 60;
/// What this machine calls itself.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// How long the page waits for the stream.
const STREAM_PATIENCE: Duration = Duration::from_secs(1);
/// More dead letters than this are not shown.
const MOST_LETTERS: u32 = 50;
/// More invalidations than this are not shown, and more copies neither.
const MOST_OF_CDN: usize = 20;

/// Where things are, for pages and people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Places {
    /// The API and the pages.
    pub api: String,
    /// Where payments are taken.
    pub toss: String,
    /// Whether that is the sandbox.
    pub toss_is_sandbox: bool,
    /// The table's endpoint.
    pub dynamodb: String,
    /// Whether that is the embedded one.
    pub dynamodb_is_embedded: bool,
    /// The queues.
    pub sqs: String,
    /// The CDN, a stand-in for CloudFront: where files are read.
    pub cdn: String,
    /// Its API.
    pub cloudfront: String,
    /// The uploaded files.
    pub s3: String,
    /// Whether that is the embedded one.
    pub s3_is_embedded: bool,
    /// What keeps the data.
    pub data: String,
    /// Who can log in, if there is demo data.
    pub accounts: Vec<DemoAccount>,
}

/// What the calls work on. Clones share it.
#[derive(Clone, Debug)]
pub struct Controls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Places,
    clock: Movable,
    /// One move at a time, so that the file and the clock agree.
    ahead_millis: Mutex<i64>,
    folder: Arc<DataFolder>,
    /// Past the switch: the page tells how things are while the functions get no answer.
    table: Table,
    workers: Workers,
    dependencies: Dependencies,
}

/// What works without being asked.
#[derive(Clone, Debug)]
pub struct Workers {
    /// What the schedules start.
    pub schedules: Schedules,
    /// What the queues start.
    pub pump: Pump,
    /// What the table's stream starts.
    pub stream: StreamPump,
    /// The queues.
    pub sqs: Sqs,
    /// The CDN.
    pub cloudfront: CloudFront,
}

impl Workers {
    /// Does at once what time would bring.
    async fn catch_up(&self) -> Result<CaughtUp, Refused> {
        self.sqs.clock_moved();
        let ran = self.schedules.run_once().await?;
        Box::pin(self.pump.drain()).await?;
        Ok(CaughtUp { ran, stream: self.stream.drain().await? })
    }
}

/// What the workers did at once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CaughtUp {
    #[serde(flatten)]
    ran: Ran,
    /// Changes of the table.
    stream: Played,
}

/// How the clock stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClockView {
    now: Time,
    ahead_seconds: i64,
    /// What the workers did at once, if the clock was moved.
    #[serde(flatten)]
    ran: Option<CaughtUp>,
}

/// Why a call did nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("host: only {} reach this", LOOPBACK.join(", "))]
    ForeignName,
    #[error("advanceSeconds: a whole number from 0 on; in all, the clock can be a century ahead")]
    NotForward,
    #[error("the body: {0}")]
    Unreadable(#[from] JsonRejection),
    #[error(transparent)]
    NotTurned(#[from] NotTurned),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Queue(#[from] sqs::Refused),
    #[error(transparent)]
    Stream(#[from] NotPlayed),
    #[error(transparent)]
    NoStream(#[from] Unreadable),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::ForeignName => StatusCode::FORBIDDEN,
            Self::NotForward | Self::NotTurned(_) | Self::Queue(sqs::Refused::Rule { .. }) => StatusCode::BAD_REQUEST,
            Self::Unreadable(rejection) => rejection.status(),
            Self::Storage(storage::Error::Busy { .. }) | Self::Stream(NotPlayed::Unreadable(_)) | Self::NoStream(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Folder(_) | Self::Storage(_) | Self::Queue(_) | Self::Stream(_) => {
                tracing::error!(error = %self, "a local call failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, Json(json!({ "message": self.to_string() }))).into_response()
    }
}

impl Controls {
    /// Calls that move `clock`, which `folder` remembers, start `workers` and switch `dependencies`.
    pub fn new(
        places: Places,
        (clock, ahead_millis): (Movable, i64),
        folder: Arc<DataFolder>,
        table: Table,
        workers: Workers,
        dependencies: Dependencies,
    ) -> Self {
        let ahead_millis = Mutex::new(ahead_millis);
        Self(Arc::new(Inner { places, clock, ahead_millis, folder, table, workers, dependencies }))
    }

    /// The calls and the page.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/_local", get(page))
            .route("/_local/places", get(places))
            .route("/_local/clock", get(clock).post(advance))
            .route("/_local/sweep", post(sweep))
            .route("/_local/stream", get(stream))
            .route("/_local/queues", get(queues))
            .route("/_local/queues/redrive", post(redrive))
            .route("/_local/dead-letters", get(dead_letters))
            .route("/_local/holds", get(holds))
            .route("/_local/cdn", get(cdn))
            .route("/_local/dependencies", get(dependencies).post(turn))
            .layer(from_fn(by_our_name))
            .with_state(self.clone())
    }

    fn now(&self) -> Time {
        self.0.clock.clock().now()
    }

    async fn advance(&self, seconds: i64) -> Result<i64, Refused> {
        let mut ahead = self.0.ahead_millis.lock().await;
        let moved = ahead.saturating_add(seconds.saturating_mul(1_000));
        if seconds < 0 || moved > FARTHEST_SECONDS.saturating_mul(1_000) {
            return Err(Refused::NotForward);
        }
        // Remembered first: time that was seen never comes again, even after a kill.
        self.0.folder.keep_clock_ahead(moved)?;
        self.0.clock.advance(moved.saturating_sub(*ahead));
        *ahead = moved;
        Ok(moved / 1_000)
    }

    /// The stream is read as the functions read the table: while that is broken, nothing can be told of it.
    async fn stream(&self) -> Vec<ShownShard> {
        let shown = tokio::time::timeout(STREAM_PATIENCE, self.0.workers.stream.shown()).await;
        shown.ok().and_then(Result::ok).unwrap_or_default()
    }

    fn dead_letters(&self) -> Result<Vec<DeadLetter>, Refused> {
        let letters = self.0.workers.sqs.dead_letters(MOST_LETTERS)?;
        Ok(letters.into_iter().map(DeadLetter::of).collect())
    }
}

/// A foreign page can make its own name lead to this machine, and then read whatever is answered
/// to it; what it cannot do is ask by one of our names.
async fn by_our_name(request: Request, next: Next) -> Result<Response, Refused> {
    let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let ours = host.is_some_and(|host| LOOPBACK.iter().any(|name| name.eq_ignore_ascii_case(host.host())));
    if ours { Ok(next.run(request).await) } else { Err(Refused::ForeignName) }
}

async fn page(State(controls): State<Controls>) -> Result<Html<String>, Refused> {
    let view = controls_page::View {
        places: &controls.0.places,
        now: controls.now(),
        ahead_seconds: *controls.0.ahead_millis.lock().await / 1_000,
        open: OpenOrders::of(&controls.0.table).await?,
        queues: controls.0.workers.sqs.depths()?,
        dead_letters: controls.dead_letters()?,
        cdn: CdnView::of(&controls.0.workers.cloudfront),
        dependencies: controls.0.dependencies.shown(),
        stream: controls.stream().await,
    };
    Ok(Html(view.page().into_string()))
}

async fn places(State(controls): State<Controls>) -> Json<Places> {
    Json(controls.0.places.clone())
}

async fn clock(State(controls): State<Controls>) -> Json<ClockView> {
    let ahead_seconds = *controls.0.ahead_millis.lock().await / 1_000;
    Json(ClockView { now: controls.now(), ahead_seconds, ran: None })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn advance(
    State(controls): State<Controls>,
    body: Result<Json<Advance>, JsonRejection>,
) -> Result<Json<ClockView>, Refused> {
    let Json(Advance { advance_seconds }) = body?;
    let ahead_seconds = controls.advance(advance_seconds).await?;
    let ran = Box::pin(controls.0.workers.catch_up()).await?;
    Ok(Json(ClockView { now: controls.now(), ahead_seconds, ran: Some(ran) }))
}

/// Nothing, but as JSON: no page may send that elsewhere without asking first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {}

async fn sweep(
    State(controls): State<Controls>,
    body: Result<Json<Sweep>, JsonRejection>,
) -> Result<Json<CaughtUp>, Refused> {
    let Json(Sweep {}) = body?;
    Ok(Json(Box::pin(controls.0.workers.catch_up()).await?))
}

async fn stream(State(controls): State<Controls>) -> Result<Json<Vec<ShownShard>>, Refused> {
    Ok(Json(controls.0.workers.stream.shown().await?))
}

async fn queues(State(controls): State<Controls>) -> Result<Json<Vec<Depth>>, Refused> {
    Ok(Json(controls.0.workers.sqs.depths()?))
}

/// Which dead letters go back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redrive {
    queue: String,
}

async fn redrive(
    State(controls): State<Controls>,
    body: Result<Json<Redrive>, JsonRejection>,
) -> Result<Json<serde_json::Value>, Refused> {
    let Json(Redrive { queue }) = body?;
    let moved = controls.0.workers.sqs.redrive(&queue)?;
    Ok(Json(json!({ "moved": moved })))
}

async fn dead_letters(State(controls): State<Controls>) -> Result<Json<Vec<DeadLetter>>, Refused> {
    controls.dead_letters().map(Json)
}

async fn holds(State(controls): State<Controls>) -> Result<Json<OpenOrders>, Refused> {
    Ok(Json(OpenOrders::of(&controls.0.table).await?))
}

/// What the stand-in for CloudFront holds.
#[derive(Debug, Serialize)]
pub(crate) struct CdnView {
    /// What it was told to forget, the newest first.
    pub(crate) invalidations: Vec<Invalidation>,
    /// What it has copies of.
    pub(crate) copies: Vec<Kept>,
}

impl CdnView {
    fn of(cloudfront: &CloudFront) -> Self {
        Self { invalidations: cloudfront.invalidations(MOST_OF_CDN), copies: cloudfront.kept(MOST_OF_CDN) }
    }
}

async fn cdn(State(controls): State<Controls>) -> Json<CdnView> {
    Json(CdnView::of(&controls.0.workers.cloudfront))
}

async fn dependencies(State(controls): State<Controls>) -> Json<Vec<Shown>> {
    Json(controls.0.dependencies.shown())
}

async fn turn(
    State(controls): State<Controls>,
    body: Result<Json<Turn>, JsonRejection>,
) -> Result<Json<Vec<Shown>>, Refused> {
    let Json(turn) = body?;
    controls.0.dependencies.turn(&turn)?;
    Ok(Json(controls.0.dependencies.shown()))
}
