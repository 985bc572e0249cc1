//! One distribution, and the client that speaks to it.

use std::time::Duration;

use aws_sdk_cloudfront::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::{BuildError, ProvideErrorMetadata, SdkError},
    types::{InvalidationBatch, Paths},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use clock::Rng;
use domain::cdn::CdnPath;

/// CloudFront is one for the whole world, and its API is there.
const REGION: &str = "us-east-1";

/// Where CloudFront is and what its client is made of.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Another CloudFront than Amazon's.
    pub endpoint: Option<String>,
    /// Fixed credentials, for a local one; without them the environment's.
    pub credentials: Option<(String, String)>,
    /// Another HTTP client under the SDK: the seam of tests.
    pub http: Option<SharedHttpClient>,
}

/// How long asking is repeated. Nobody waits but a queue.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first attempt until [`NotInvalidated::Unreachable`].
    pub total: Duration,
    /// Of one attempt, so that another one fits in.
    pub attempt: Duration,
    /// The first pause; it doubles, and each is shortened at random by up to half.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(20),
            attempt: Duration::from_secs(6),
            first_pause: Duration::from_millis(200),
        }
    }
}

/// What CloudFront has taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// An invalidation of this id, made now or by an earlier call with the same reference and paths.
    Taken(String),
    /// An earlier call with this reference named other paths, and that one is what happens.
    TakenBefore,
}

/// CloudFront has not taken an invalidation, or nobody knows whether it has.
#[derive(Debug, thiserror::Error)]
pub enum NotInvalidated {
    /// As many are in progress as may be: 3,000 files or 15 wildcards.
    /// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>
    #[error("as many invalidations are in progress as may be")]
    InProgress,
    /// It refuses for a reason that trying again does not remove.
    #[error("CloudFront refused an invalidation: {code}: {message}")]
    Refused {
        /// CloudFront's error code.
        code: String,
        /// CloudFront's message.
        message: String,
    },
    /// Throttled or unreachable for as long as could be waited.
    #[error("CloudFront was not to be reached")]
    Unreachable,
    /// The request cannot be put together: our mistake.
    #[error("an invalidation cannot be asked for: {0}")]
    Unwritable(#[from] BuildError),
}

/// One CloudFront distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    client: Client,
    id: String,
    rng: Rng,
    patience: Patience,
}

impl Distribution {
    /// Builds the client of the distribution `id`. Nothing is sent until the first call.
    pub async fn connect(connection: Connection, id: &str, rng: &Rng) -> Self {
        let patience = Patience::default();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(patience.attempt);
        let mut config = aws_sdk_cloudfront::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
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
                aws_config::defaults(BehaviorVersion::latest()).region(Region::from_static(REGION)).load().await;
            if let Some(credentials) = shared.credentials_provider() {
                config = config.credentials_provider(credentials);
            }
        }
        // Without another one, the SDK brings its own HTTPS client.
        config.set_http_client(connection.http);
        Self { client: Client::from_conf(config.build()), id: id.to_owned(), rng: rng.clone(), patience }
    }

    /// Has `paths` forgotten: 3,000 files at most, and 15 wildcards. Under one `reference` there is one invalidation,
    /// however often it is asked for, so an unanswered call is repeated.
    pub async fn invalidate(&self, reference: &str, paths: &[CdnPath]) -> Result<Invalidation, NotInvalidated> {
        let items = paths.iter().map(ToString::to_string).collect();
        let quantity = i32::try_from(paths.len()).unwrap_or(i32::MAX);
        let paths = Paths::builder().quantity(quantity).set_items(Some(items)).build()?;
        let batch = InvalidationBatch::builder().paths(paths).caller_reference(reference).build()?;
        let request = self.client.create_invalidation().distribution_id(&self.id).invalidation_batch(batch);
        let attempts = async {
            let mut pause = self.patience.first_pause;
            loop {
                match request.clone().send().await {
                    Ok(answer) => {
                        let id = answer.invalidation.map(|invalidation| invalidation.id).unwrap_or_default();
                        return Ok(Invalidation::Taken(id));
                    }
                    Err(error) => match meaning(&error) {
                        Meaning::TakenBefore => return Ok(Invalidation::TakenBefore),
                        Meaning::Final(not) => return Err(not),
                        Meaning::Transient => {}
                    },
                }
                let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
                let shortened = micros.saturating_sub(self.rng.below(micros / 2));
                tracing::debug!(pause_micros = shortened, "asking again");
                tokio::time::sleep(Duration::from_micros(shortened)).await;
                pause = pause.saturating_mul(2);
            }
        };
        // The SDK's futures are large; whoever asks need not carry them along.
        tokio::time::timeout(self.patience.total, Box::pin(attempts)).await.unwrap_or(Err(NotInvalidated::Unreachable))
    }
}

enum Meaning {
    TakenBefore,
    Final(NotInvalidated),
    /// Another attempt may go better.
    Transient,
}

fn meaning<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Meaning {
    let SdkError::ServiceError(refused) = error else { return Meaning::Transient };
    match refused.err().code().unwrap_or_default() {
        "InvalidationBatchAlreadyExists" => Meaning::TakenBefore,
        "TooManyInvalidationsInProgress" => Meaning::Final(NotInvalidated::InProgress),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => Meaning::Transient,
        _ if refused.raw().status().is_server_error() => Meaning::Transient,
        code => {
            let message = refused.err().message().unwrap_or_default().to_owned();
            Meaning::Final(NotInvalidated::Refused { code: code.to_owned(), message })
        }
    }
}
