//! The local server: puts the parts together, serves them, and stops.

mod first_start;

use std::{
    convert::Infallible,
    io::{self, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use auth::{Cost, Hasher};
use cdn::Distribution;
use clock::{Movable, Rng};
use config::Queues;
use devloop_http::{StartError, cors};
use jobs::{Jobs, Queue};
use media::Bucket;
use storage::{Connection, Table};
use tokio::{net::TcpListener, sync::watch};
use toss::{Https, SecretKey, Toss};
use url::Url;

use self::first_start::Demo;
use crate::{
    banner,
    cli::ServerOptions,
    cloudfront::DISTRIBUTION,
    controls::{Controls, Places, Workers},
    data_folder::{DataFolder, FolderError, Ready},
    delivery::{CannotDeliver, Delivery},
    dependencies::{Dependencies, Switch},
    dynamodb::{Embedded, NotEmbedded},
    environment::{Environment, SANDBOX_SECRET_KEY},
    functions::Parts,
    listening::{self, NoPort, listen, serve},
    operator::Operator,
    pages,
    queues::{self, Pump},
    s3::{self, Access, S3},
    schedules::Schedules,
    sqs::{self, Sqs},
    stream::StreamPump,
    toss_sandbox::{CannotOpen, Location, TossSandbox},
};

/// How long running requests may take to finish when the server stops.
const GRACE: Duration = Duration::from_millis(1_500);

/// Why the server does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A port.
    #[error(transparent)]
    Port(#[from] NoPort),
    /// The embedded table.
    #[error(transparent)]
    Embedded(#[from] NotEmbedded),
    /// Another DynamoDB.
    #[error("The DynamoDB at {endpoint} does not work: {cause}. Start it, or unset AWS_ENDPOINT_URL_DYNAMODB.")]
    OtherDynamoDb {
        /// Where.
        endpoint: String,
        /// What went wrong.
        cause: storage::Error,
    },
    /// The embedded table, as a client sees it.
    #[error("The embedded DynamoDB does not work: {0}. If its file is broken, start anew with --fresh.")]
    Table(storage::Error),
    /// The sandbox of Toss.
    #[error("The payment sandbox does not start: {0}. If its file is broken, start anew with --fresh.")]
    Sandbox(#[from] CannotOpen),
    /// The queues' file.
    #[error("The queues do not start: {0}. If their file is broken, start anew with --fresh.")]
    Queues(#[from] sqs::CannotOpen),
    /// The queues themselves.
    #[error("The queues do not start: {0}. If their file is broken, start anew with --fresh.")]
    NoQueue(#[from] sqs::Refused),
    /// The stand-in for CloudFront.
    #[error(transparent)]
    Delivery(#[from] CannotDeliver),
    /// The folder of uploaded files.
    #[error("The embedded S3 does not start: {0}. If its folder is broken, start anew with --fresh.")]
    Files(#[from] s3::CannotOpen),
    /// A key that moves real money.
    #[error(
        "TOSS_SECRET_KEY is a live key. The local server takes no real money: use a test key (test_sk_… or test_gsk_…)."
    )]
    LiveKey,
    /// No key at all.
    #[error("TOSS_SECRET_KEY is not usable: {0}.")]
    NotAKey(#[from] toss::NotASecretKey),
    /// The client of Toss.
    #[error("{0}.")]
    NoClient(#[from] toss::NoClient),
    /// A part refused its settings.
    #[error("{0}.")]
    Part(#[from] StartError),
    /// The hasher.
    #[error("{0}.")]
    Hasher(#[from] auth::HashFailed),
    /// A socket or a signal.
    #[error("The server cannot go on: {0}.")]
    Io(#[from] io::Error),
}

/// Runs the server until it is asked to stop. `started` is when the process was.
pub async fn run(options: &ServerOptions, environment: &Environment, started: Instant) -> Result<(), CannotStart> {
    let asked_to_stop = listening::asked_to_stop()?;
    listening::allow_many_connections();
    let folder = Arc::new(DataFolder::open(&options.data, options.fresh)?);
    let rng = Rng::from_system();
    let ahead_millis = folder.clock_ahead()?;
    let clock = Movable::ahead_of_system(ahead_millis);

    let (api_listener, api_url) = listen(options.port, "the API", "--port")?;
    let toss_listener = match environment.toss {
        Some(_) => None,
        None => Some(listen(options.toss_port(), "the payment sandbox", "--toss-port")?),
    };

    let (embedded, endpoint) = open_table(environment, &folder)?;
    let table = Table::connect(environment.connection(Some(endpoint.clone())), &clock.clock(), &rng).await;
    let demo = Demo::prepare(options, environment, &folder, &table).await?;
    table.create_if_missing().await.map_err(|cause| match &embedded {
        Some(_) => CannotStart::Table(cause),
        None => CannotStart::OtherDynamoDb { endpoint: endpoint.clone(), cause },
    })?;
    if let Some(embedded) = &embedded {
        embedded.expire_items(&environment.table_name())?;
    }

    let own = toss_listener.as_ref().map(|(_, url)| url.clone());
    let toss_url = environment.toss.as_ref().map(|other| other.base_url.to_string()).or(own).unwrap_or_default();
    let (sqs_listener, sqs_url) = listen(0, "the queues", "--port")?;
    let (sqs, queues) = open_queues(&folder, &clock, &rng, &sqs_url)?;
    let (s3, s3_url) = open_files(options, environment, &folder, &clock)?;
    let delivery = Delivery::open(options, environment.origin(&s3_url)?, &clock, &rng)?;
    let cost = if options.toy_hashing { Cost::TOY } else { Cost::OWASP };
    let parts = Parts {
        settings: environment.settings(&folder.secrets(&rng)?, &endpoint, &api_url, &toss_url, &delivery.edge_url),
        clock: clock.clock(),
        hasher: Hasher::pooled(cost, rng.clone(), hashing_threads())?,
        toss: toss(environment, &toss_url)?,
        jobs: Jobs::connect(environment.queues(&sqs_url), &queues, &clock.clock(), &rng).await,
        cdn: Queue::connect(environment.queues(&sqs_url), &sqs.url(queues::CDN), &clock.clock(), &rng).await,
        bucket: Bucket::connect(environment.media(&s3_url), &clock.clock(), &rng).await,
        rng: rng.clone(),
    };
    let dependencies = Dependencies::here(embedded.is_some(), s3.is_some(), toss_listener.is_some());
    let connection = under_switch(&dependencies, environment.connection(Some(endpoint.clone())));
    let switched = Table::connect(connection.clone(), &clock.clock(), &rng).await;
    let functions = listening::in_turn(parts.routes(&switched)?);
    let queues = (&sqs, dependencies.sqs.clone());
    let workers = Box::pin(workers(&parts, (connection, &switched), queues, &delivery, &folder)).await?;

    let mut remarks = vec![];
    let operator =
        Operator { table: table.clone(), clock: clock.clock(), rng: rng.clone(), hasher: parts.hasher.clone() };
    let accounts = demo.make(functions.clone(), &operator, &folder, &mut remarks).await?;
    let places = Places {
        api: api_url,
        toss: toss_url,
        toss_is_sandbox: environment.toss.is_none(),
        dynamodb: endpoint,
        dynamodb_is_embedded: embedded.is_some(),
        sqs: sqs_url,
        cdn: delivery.edge_url.clone(),
        cloudfront: delivery.api_url.clone(),
        s3: s3_url,
        s3_is_embedded: s3.is_some(),
        data: folder.path().display().to_string(),
        accounts,
    };
    let moved = (clock.clone(), ahead_millis);
    let controls = Controls::new(places.clone(), moved, folder.clone(), table, workers.clone(), dependencies.clone());
    let api = functions.layer(cors::layer(&options.origins)).merge(pages::router(&places, controls.router()));

    let sandbox = open_sandbox(toss_listener, &folder, &clock, &rng, &places.api)?;
    let (stop, stopped) = watch::channel(false);
    let serving = futures::future::try_join5(
        serve(api_listener, api, stopped.clone()),
        serve(sqs_listener, dependencies.sqs.before(sqs.router()), stopped.clone()),
        delivery.serve(dependencies.cloudfront, stopped.clone()),
        serve_files(s3, dependencies.s3.unwrap_or_default(), stopped.clone()),
        serve_sandbox(sandbox, dependencies.toss.unwrap_or_default(), Https::new()?, stopped),
    );
    let working = async {
        tokio::select! {
            biased;
            served = serving => served.map(drop),
            never = run_all(&workers) => match never {},
        }
    };

    announce(&places, &folder, &remarks, started)?;

    tokio::pin!(working);
    tokio::select! {
        biased;
        () = asked_to_stop => {}
        ended = &mut working => return Ok(ended?),
    }
    stop.send_replace(true);
    // Whoever is not done by then meets a closed connection, as with any restart.
    if tokio::time::timeout(GRACE, working).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    folder.retract()?;
    Ok(())
}

/// What works without being asked, over `table`; `connection` leads to its stream.
async fn workers(
    parts: &Parts,
    (connection, table): (Connection, &Table),
    (sqs, switch): (&Sqs, Switch),
    delivery: &Delivery,
    folder: &Arc<DataFolder>,
) -> Result<Workers, CannotStart> {
    let router = parts.event_router(table.clone())?;
    let api = Environment::cloudfront(&delivery.api_url);
    let distribution = Distribution::connect(api, DISTRIBUTION, &parts.rng).await;
    let invalidator = parts.invalidator(table.clone(), distribution)?;
    Ok(Workers {
        schedules: Schedules::new(parts.orders(table.clone())?, parts.upload_sweeper(table.clone())?),
        pump: Pump::behind(switch, sqs.clone(), parts.orders(table.clone())?, invalidator),
        stream: StreamPump::kept(connection, router, sqs.clone(), folder.clone()).await?,
        sqs: sqs.clone(),
        cloudfront: delivery.cloudfront.clone(),
    })
}

async fn run_all(workers: &Workers) -> Infallible {
    tokio::select! {
        biased;
        never = workers.schedules.run() => never,
        never = workers.pump.run() => never,
        never = workers.stream.run() => never,
    }
}

/// The embedded table, unless the environment names another one; and where it answers.
fn open_table(environment: &Environment, folder: &DataFolder) -> Result<(Option<Embedded>, String), CannotStart> {
    if let Some(endpoint) = &environment.dynamodb {
        return Ok((None, endpoint.clone()));
    }
    let embedded = Embedded::open(&folder.table_file())?;
    let endpoint = embedded.endpoint().to_owned();
    Ok((Some(embedded), endpoint))
}

/// The table as the functions and the stream's pump reach it: under its switch, if it has one.
fn under_switch(dependencies: &Dependencies, connection: Connection) -> Connection {
    let Some(switch) = &dependencies.dynamodb else { return connection };
    let http = Some(switch.under_client(aws_smithy_http_client::Builder::new().build_http()));
    Connection { http, ..connection }
}

/// One core is left for everybody who is logged in already.
fn hashing_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

fn toss(environment: &Environment, url: &str) -> Result<Toss, CannotStart> {
    let key = environment.toss.as_ref().map_or(SANDBOX_SECRET_KEY, |other| other.secret_key.expose());
    let key: SecretKey = key.parse()?;
    if key.is_live() {
        return Err(CannotStart::LiveKey);
    }
    let url: Url = url.parse().map_err(|error: url::ParseError| StartError(error.to_string()))?;
    Ok(Toss::over_https(url, key)?)
}

/// The stand-in of SQS, which answers at `url`, with every queue.
fn open_queues(folder: &DataFolder, clock: &Movable, rng: &Rng, url: &str) -> Result<(Sqs, Queues), CannotStart> {
    let sqs = Sqs::open(&sqs::Location::File(folder.sqs_file()), clock.clock(), rng.clone())?;
    sqs.set_base_url(url);
    let queues = queues::declare(&sqs)?;
    Ok((sqs, queues))
}

/// The embedded S3 and its port, unless the environment names another one; and where files are.
fn open_files(
    options: &ServerOptions,
    environment: &Environment,
    folder: &DataFolder,
    clock: &Movable,
) -> Result<(Option<(TcpListener, S3)>, String), CannotStart> {
    if let Some(other) = &environment.s3 {
        return Ok((None, other.clone()));
    }
    let (listener, url) = listen(0, "uploaded files", "--port")?;
    let bucket = environment.bucket_name();
    let s3 = S3::open(&folder.s3_folder(), &bucket, Access::local(), &options.origins, clock.clock())?;
    Ok((Some((listener, s3)), url))
}

/// The sandbox of Toss, if it has a port. It tells the API at `api` of changes.
fn open_sandbox(
    listener: Option<(TcpListener, String)>,
    folder: &DataFolder,
    clock: &Movable,
    rng: &Rng,
    api: &str,
) -> Result<Option<(TcpListener, TossSandbox)>, CannotStart> {
    let Some((listener, url)) = listener else { return Ok(None) };
    let books = Location::File(folder.toss_file());
    let sandbox = TossSandbox::open(&books, clock.clock(), rng.clone(), SANDBOX_SECRET_KEY)?;
    if let Ok(url) = url.parse() {
        sandbox.set_public_url(url);
    }
    sandbox.send_webhooks_to(&format!("{api}/v1/webhooks/toss"));
    Ok(Some((listener, sandbox)))
}

/// Tells whoever waits, and whoever started it, that everything answers.
fn announce(places: &Places, folder: &DataFolder, remarks: &[String], started: Instant) -> Result<(), FolderError> {
    let ready = Ready {
        api: places.api.clone(),
        toss: places.toss.clone(),
        dynamodb: places.dynamodb.clone(),
        pid: std::process::id(),
        started_in_millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    folder.announce(&ready)?;
    print(&banner::table(places, &ready, remarks));
    Ok(())
}

/// The embedded S3 on its own port, if there is one.
async fn serve_files(s3: Option<(TcpListener, S3)>, switch: Switch, stopped: watch::Receiver<bool>) -> io::Result<()> {
    let Some((listener, s3)) = s3 else { return Ok(()) };
    serve(listener, switch.before(s3.router()), stopped).await
}

/// The sandbox on its own port, and its webhooks, if there is one.
async fn serve_sandbox(
    sandbox: Option<(TcpListener, TossSandbox)>,
    switch: Switch,
    webhooks: Https,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let Some((listener, sandbox)) = sandbox else { return Ok(()) };
    tokio::select! {
        biased;
        served = serve(listener, sandbox.router_behind(|api| switch.before(api)), stopped) => served,
        never = sandbox.run_webhooks(&webhooks) => match never {},
    }
}

/// Standard output may be closed, which is no reason to stop.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
