//! The routes of every domain, for those who only read what the routes say of themselves.

use std::sync::Arc;

use auth::{Cost, Hasher, SigningKey};
use bytes::Bytes;
use clock::{Clock, Movable, Rng};
use config::{Payments, Queues, Secret, Settings, Supplier};
use devloop_http::{Route, StartError};
use domain::time::Time;
use futures::future::BoxFuture;
use jobs::{Jobs, Queue};
use media::Bucket;
use storage::{Connection, Table};
use toss::{NoAnswer, Transport};

use crate::functions::{Parts, toss_over};

/// Where nothing is: these routes are read, not called.
const NOWHERE: &str = "http://nowhere.invalid";
const TOSS_SECRET_KEY: &str = "test_sk_contract";

/// A Toss that nobody pays at.
#[derive(Debug)]
struct Nobody;

impl Transport for Nobody {
    fn send(&self, _: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(async { Err(NoAnswer::new("there is nobody")) })
    }
}

/// Every route, over made-up settings. What they describe depends on the code alone, so two
/// builds of one commit say the same.
pub async fn contract() -> Result<Vec<Route>, StartError> {
    let clock = Movable::standing_at(Time::from_unix_millis(0)).clock();
    let rng = Rng::from_seed(0);
    let settings = settings(&rng)?;
    let hasher = Hasher::inline(Cost::TOY, rng.clone()).map_err(|error| StartError(error.to_string()))?;
    let toss = toss_over(Arc::new(Nobody), NOWHERE, TOSS_SECRET_KEY)?;
    let table = nowhere(&settings, &clock, &rng).await;
    let queues = Queues { payments: NOWHERE.to_owned(), notifications: NOWHERE.to_owned() };
    let jobs = Jobs::connect(no_queues(&settings), &queues, &clock, &rng).await;
    let cdn = Queue::connect(no_queues(&settings), NOWHERE, &clock, &rng).await;
    let bucket = Bucket::connect(no_files(&settings), &clock, &rng).await;
    Parts { settings, clock, rng, hasher, toss, jobs, cdn, bucket }.routes(&table)
}

fn no_queues(settings: &Settings) -> jobs::Connection {
    let nobody = "contract".to_owned();
    jobs::Connection {
        endpoint: Some(NOWHERE.to_owned()),
        region: settings.region.clone(),
        credentials: Some((nobody.clone(), nobody)),
        http: None,
    }
}

fn no_files(settings: &Settings) -> media::Connection {
    let nobody = "contract".to_owned();
    media::Connection {
        bucket: nobody.clone(),
        endpoint: Some(NOWHERE.to_owned()),
        region: settings.region.clone(),
        credentials: Some((nobody.clone(), nobody)),
        http: None,
    }
}

async fn nowhere(settings: &Settings, clock: &Clock, rng: &Rng) -> Table {
    let nobody = "contract".to_owned();
    let connection = Connection {
        table: settings.table.clone(),
        endpoint: Some(NOWHERE.to_owned()),
        region: settings.region.clone(),
        credentials: Some((nobody.clone(), nobody)),
        http: None,
    };
    Table::connect(connection, clock, rng).await
}

fn settings(rng: &Rng) -> Result<Settings, StartError> {
    let key = SigningKey::generate(rng).map_err(|error| StartError(error.to_string()))?;
    Ok(Settings {
        table: "devloop".to_owned(),
        region: "ap-northeast-2".to_owned(),
        dynamodb_endpoint: None,
        token_private_key: Some(key.private_pem),
        token_public_keys: key.public_jwks,
        refresh_key: Some(Secret::new("contract")),
        cursor_key: Secret::new("contract"),
        account_key: Some(Secret::new("0".repeat(64))),
        payments: Some(Payments {
            toss_base_url: NOWHERE.to_owned(),
            toss_secret_key: Secret::new(TOSS_SECRET_KEY),
            toss_client_key: "test_ck_contract".to_owned(),
            success_url: NOWHERE.to_owned(),
            fail_url: NOWHERE.to_owned(),
            max_order_total: 1,
            commission: 0,
            supplier: Supplier::default(),
            pwt_deposit_hours: 0,
        }),
        queues: None,
        cdn_queue: None,
        invalidation: None,
        cloudfront_endpoint: None,
        sqs_endpoint: None,
        cdn_base_url: NOWHERE.to_owned(),
        media_bucket: Some("contract".to_owned()),
        s3_endpoint: None,
        build: "contract".to_owned(),
    })
}
