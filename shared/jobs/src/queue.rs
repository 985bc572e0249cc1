//! The queues and the client that speaks to them.

use std::{marker::PhantomData, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use clock::{Clock, Ids, Rng};
use domain::refusal::{Details, Reason, Refusal};

use crate::message::{Envelope, Message, Notification, PaymentJob};

/// The longest that SQS keeps a message back.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// Where SQS is and what its client is made of.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Another SQS than the region's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// Fixed credentials, for a local SQS; without them the environment's.
    pub credentials: Option<(String, String)>,
    /// Another HTTP client under the SDK: the seam of tests and simulation.
    pub http: Option<SharedHttpClient>,
}

/// A message was not put into its queue, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// It cannot be written down: our mistake.
    #[error("a message cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// SQS refused for a reason that trying again does not remove.
    #[error("the queue refused a message: {code}: {message}")]
    Refused {
        /// SQS's error code.
        code: String,
        /// SQS's message.
        message: String,
    },
    /// Throttled or unreachable for as long as the caller could wait.
    #[error("the queue was too busy")]
    Busy,
}

impl Refusal for NotSent {
    // Every request can meet these two; they are documented once for all operations.
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        match self {
            Self::Busy => Reason::BUSY,
            Self::Unwritable(_) | Self::Refused { .. } => Reason::INTERNAL,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Busy => Details::retry_after(1),
            Self::Unwritable(_) | Self::Refused { .. } => Details::default(),
        }
    }
}

/// How long sending is repeated. Somebody waits for the answer of whoever sends, and a webhook is
/// to be answered within a second.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first attempt until [`NotSent::Busy`].
    pub total: Duration,
    /// Of one attempt, so that another one fits in.
    pub attempt: Duration,
    /// The first pause; it doubles, and each is shortened at random by up to half.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            total: Duration::from_millis(900),
            attempt: Duration::from_millis(400),
            first_pause: Duration::from_millis(20),
        }
    }
}

/// A queue of messages `M`. What was acknowledged is durable: SQS has it on several machines.
#[derive(Debug)]
pub struct Queue<M> {
    client: Client,
    url: String,
    ids: Ids,
    rng: Rng,
    patience: Patience,
    messages: PhantomData<fn(M)>,
}

// Not derived: that would ask the same of `M`.
impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            url: self.url.clone(),
            ids: self.ids.clone(),
            rng: self.rng.clone(),
            patience: self.patience,
            messages: PhantomData,
        }
    }
}

impl<M: Message> Queue<M> {
    /// The queue at `url` alone, for a function that sends to no other. Nothing is sent until the first call.
    pub async fn connect(connection: Connection, url: &str, clock: &Clock, rng: &Rng) -> Self {
        let patience = Patience::default();
        let client = client(connection, patience).await;
        queue(&client, url, &Ids::new(clock.clone(), rng.clone()), rng, patience)
    }

    /// Puts `message` into the queue, to be delivered no earlier than after `delay` (15 minutes at
    /// most). Answers its id. An error may also mean that it is there all the same.
    pub async fn send(&self, message: M, delay: Duration) -> Result<String, NotSent> {
        let envelope = Envelope::new(self.ids.token(), message);
        let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_secs()).unwrap_or_default();
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(serde_json::to_string(&envelope)?)
            // A message without a delay has the queue's.
            .delay_seconds(seconds);
        let attempts = async {
            let mut pause = self.patience.first_pause;
            loop {
                match request.clone().send().await.map_err(|error| refusal(&error)) {
                    Ok(_) => return Ok(envelope.id.clone()),
                    Err(Some(refused)) => return Err(refused),
                    Err(None) => {}
                }
                let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
                let shortened = micros.saturating_sub(self.rng.below(micros / 2));
                tracing::debug!(pause_micros = shortened, "sending again");
                tokio::time::sleep(Duration::from_micros(shortened)).await;
                pause = pause.saturating_mul(2);
            }
        };
        // The SDK's futures are large; whoever sends need not carry them along.
        tokio::time::timeout(self.patience.total, Box::pin(attempts)).await.unwrap_or(Err(NotSent::Busy))
    }
}

/// Why SQS will never take a request; `None` if another attempt may go better.
fn refusal<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<NotSent> {
    let SdkError::ServiceError(refused) = error else { return None };
    let code = refused.err().code().unwrap_or_default();
    let transient = ["ThrottlingException", "RequestThrottled", "KmsThrottled", "OverLimit"];
    if transient.contains(&code) || refused.raw().status().is_server_error() {
        return None;
    }
    let message = refused.err().message().unwrap_or_default().to_owned();
    Some(NotSent::Refused { code: code.to_owned(), message })
}

/// The queues of orders and payments.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// For the payment-reconciler.
    pub payments: Queue<PaymentJob>,
    /// For people.
    pub notifications: Queue<Notification>,
}

impl Jobs {
    /// Builds the client. Nothing is sent until the first call.
    pub async fn connect(connection: Connection, queues: &config::Queues, clock: &Clock, rng: &Rng) -> Self {
        let patience = Patience::default();
        let client = client(connection, patience).await;
        let ids = Ids::new(clock.clone(), rng.clone());
        Self {
            payments: queue(&client, &queues.payments, &ids, rng, patience),
            notifications: queue(&client, &queues.notifications, &ids, rng, patience),
        }
    }
}

async fn client(connection: Connection, patience: Patience) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(patience.attempt);
    let mut config = aws_sdk_sqs::config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(connection.region.clone()))
        // Repeating is ours: what is tested is what runs.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = connection.endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some((id, secret)) = connection.credentials {
        config = config.credentials_provider(Credentials::new(id, secret, None, None, "settings"));
    } else {
        let shared =
            aws_config::defaults(BehaviorVersion::latest()).region(Region::new(connection.region)).load().await;
        if let Some(credentials) = shared.credentials_provider() {
            config = config.credentials_provider(credentials);
        }
    }
    // Without another one, the SDK brings its own HTTPS client.
    config.set_http_client(connection.http);
    Client::from_conf(config.build())
}

fn queue<M>(client: &Client, url: &str, ids: &Ids, rng: &Rng, patience: Patience) -> Queue<M> {
    Queue {
        client: client.clone(),
        url: url.to_owned(),
        ids: ids.clone(),
        rng: rng.clone(),
        patience,
        messages: PhantomData,
    }
}
