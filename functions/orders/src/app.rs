//! What this domain is given.

use std::time::Duration;

use config::{Settings, Supplier};
use devloop_http::{Edge, StartError};
use domain::{ids::OrderId, ledger::Commission};
use jobs::{Alarm, Jobs, Notification};
use sealing::Cipher;
use toss::Toss;

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// Takes and returns money.
    pub toss: Toss,
    /// What is worked on later, by others.
    pub jobs: Jobs,
    /// Encrypts refund accounts, where refunds are begun or sent again.
    pub cipher: Option<Cipher>,
    /// What orders and payment windows need to know.
    pub terms: Terms,
}

/// What orders and payment windows need to know.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Toss's client key, for frontends.
    pub client_key: String,
    /// Where Toss sends the buyer's browser after authentication.
    pub success_url: String,
    /// Where Toss sends it after a failure.
    pub fail_url: String,
    /// The largest total of one order, in won.
    pub max_total: i64,
    /// The platform's share of each sale.
    pub commission: Commission,
    /// Who sells, for receipts.
    pub supplier: Supplier,
    /// How many hours a seat waits for the deposit of a virtual account; none where that is no way to pay.
    pub deposit_hours: Option<u32>,
}

impl App {
    /// Puts the parts together.
    pub fn new(settings: &Settings, edge: Edge, toss: Toss, jobs: Jobs) -> Result<Self, StartError> {
        let payments = settings.payments.as_ref();
        let payments = payments.ok_or_else(|| StartError("the payment settings are missing".to_owned()))?;
        let commission = Commission::new(payments.commission)
            .ok_or_else(|| StartError("COMMISSION_BASIS_POINTS is above 10000".to_owned()))?;
        let terms = Terms {
            client_key: payments.toss_client_key.clone(),
            success_url: payments.success_url.clone(),
            fail_url: payments.fail_url.clone(),
            max_total: payments.max_order_total,
            commission,
            supplier: payments.supplier.clone(),
            deposit_hours: Some(payments.pwt_deposit_hours).filter(|hours| *hours > 0),
        };
        let cipher = settings.account_key.as_ref().map(Cipher::new).transpose();
        let cipher = cipher.map_err(|error| StartError(error.to_string()))?;
        Ok(Self { edge, toss, jobs, cipher, terms })
    }

    /// What runs in a deployed function.
    pub async fn deployed(settings: &Settings) -> Result<Self, StartError> {
        let unusable = |error: &dyn std::error::Error| StartError(format!("the Toss settings are not usable: {error}"));
        let payments = settings.payments.as_ref();
        let payments = payments.ok_or_else(|| StartError("the payment settings are missing".to_owned()))?;
        let base_url = payments.toss_base_url.parse().map_err(|error: url::ParseError| unusable(&error))?;
        let key: toss::SecretKey =
            payments.toss_secret_key.expose().parse().map_err(|e: toss::NotASecretKey| unusable(&e))?;
        let toss = Toss::over_https(base_url, key).map_err(|error| unusable(&error))?;
        let edge = Edge::deployed(settings).await?;
        let jobs = jobs_of(settings, &edge).await?;
        Self::new(settings, edge, toss, jobs)
    }

    /// Tells operators. Whatever they are told of goes on, whether or not they can be told: the
    /// log has said it already.
    pub async fn alarm(&self, alarm: Alarm, order_id: OrderId, reason: &str) {
        let at = self.edge.clock.now();
        let told = Notification::OperatorAlarm { alarm, order_id, reason: reason.to_owned(), at };
        if let Err(error) = self.jobs.notifications.send(told, Duration::ZERO).await {
            tracing::error!(order = %order_id, %error, "operators could not be told of an alarm");
        }
    }
}

/// What a deployed function sends messages with.
pub async fn jobs_of(settings: &Settings, edge: &Edge) -> Result<Jobs, StartError> {
    let queues = settings.queues.as_ref().ok_or_else(|| StartError("the queues are missing".to_owned()))?;
    let connection = jobs::Connection {
        endpoint: settings.sqs_endpoint.clone(),
        region: settings.region.clone(),
        credentials: None,
        http: None,
    };
    Ok(Jobs::connect(connection, queues, &edge.clock, &edge.rng).await)
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
