//! The bucket and the client that speaks to it.

use std::{
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    types::MetadataDirective,
};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use clock::{Clock, Rng};
use domain::{attachments::FileType, text::FileName, time::Time};

use crate::{
    disposition,
    failure::{Changed, Error, Failure, failure},
};

/// What lies under a public key never changes: another picture has another key.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Where the bucket is and what its client is made of.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The bucket's name.
    pub bucket: String,
    /// Another S3 than the region's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// Fixed credentials, for a local S3; without them the environment's.
    pub credentials: Option<(String, String)>,
    /// Another HTTP client under the SDK: the seam of tests.
    pub http: Option<SharedHttpClient>,
}

/// How long a call is repeated. Somebody waits for the answer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first attempt until [`Error::Busy`].
    pub total: Duration,
    /// Of one attempt, so that another one fits in.
    pub attempt: Duration,
    /// The first pause; it doubles, and each is shortened at random by up to half.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { total: Duration::from_secs(5), attempt: Duration::from_secs(2), first_pause: Duration::from_millis(50) }
    }
}

/// The bucket of uploaded files.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    rng: Rng,
    patience: Patience,
}

/// Where and how somebody puts a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The URL, good for one `PUT` after another until it ends.
    pub url: String,
    /// The headers that were signed along and have to be sent as they are, but `host`.
    pub headers: Vec<(String, String)>,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// How many bytes it has.
    pub size: u64,
    /// Names these very bytes.
    pub etag: String,
}

/// The SDK signs by our clock, so that what it signs ends by it.
#[derive(Debug)]
struct ByClock(Clock);

impl TimeSource for ByClock {
    fn now(&self) -> SystemTime {
        system_time(self.0.now())
    }
}

fn system_time(time: Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(time.unix_millis()).unwrap_or_default())
}

impl Bucket {
    /// Builds the client. Nothing is sent until the first call.
    pub async fn connect(connection: Connection, clock: &Clock, rng: &Rng) -> Self {
        let patience = Patience::default();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(patience.attempt);
        let mut config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(connection.region.clone()))
            // Repeating is ours: what is tested is what runs.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .time_source(ByClock(clock.clone()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // TLS carries the bytes and the ETag names them.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = connection.endpoint {
            // Other S3s than Amazon's have no names of their own for buckets.
            config = config.endpoint_url(endpoint).force_path_style(true);
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
        Self { client: Client::from_conf(config.build()), name: connection.bucket, rng: rng.clone(), patience }
    }

    /// Signs an upload of exactly `size` bytes of `file_type` to `key`, from `now` on for so long. Asks nobody.
    pub async fn sign_upload(
        &self,
        key: &str,
        (file_type, size): (FileType, u32),
        now: Time,
        good_for: Duration,
    ) -> Result<Upload, Error> {
        let unsigned = |error: &dyn std::fmt::Display| Error::Unsigned(error.to_string());
        let config = PresigningConfig::builder().start_time(system_time(now)).expires_in(good_for).build();
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(file_type.media_type())
            .content_length(size.into());
        let signed = Box::pin(request.presigned(config.map_err(|error| unsigned(&error))?)).await;
        let signed = signed.map_err(|error| unsigned(&aws_sdk_s3::error::DisplayErrorContext(error)))?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Upload { url: signed.uri().to_owned(), headers })
    }

    /// Looks at an object without reading it; `None` if there is none.
    pub async fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        let found = self.repeat("HeadObject", || request.clone().send()).await?;
        Ok(found.ok().map(|found| Stat {
            size: u64::try_from(found.content_length.unwrap_or_default()).unwrap_or_default(),
            etag: found.e_tag.unwrap_or_default(),
        }))
    }

    /// Reads the bytes that `etag` names.
    pub async fn read(&self, key: &str, etag: &str) -> Result<Result<Bytes, Changed>, Error> {
        let request = self.client.get_object().bucket(&self.name).key(key).if_match(etag);
        let read = async || {
            let found = request.clone().send().await?;
            // A body that breaks off is like an answer that did not come.
            let bytes = tokio::time::timeout(self.patience.attempt, found.body.collect()).await;
            Ok(bytes.ok().and_then(Result::ok).map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes))
        };
        let operation = "GetObject";
        self.repeat_until(operation, read, Option::is_some).await.map(|found| match found {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) | Err(Changed) => Err(Changed),
        })
    }

    /// Copies the bytes that `etag` names to where the public reads them, as a file of this type and name.
    pub async fn publish(
        &self,
        (from, etag): (&str, &str),
        to: &str,
        file_type: FileType,
        name: &FileName,
    ) -> Result<Result<(), Changed>, Error> {
        let request = self
            .client
            .copy_object()
            .bucket(&self.name)
            .key(to)
            // Our keys have no characters that would have to be encoded.
            .copy_source(format!("{}/{from}", self.name))
            .copy_source_if_match(etag)
            .metadata_directive(MetadataDirective::Replace)
            .content_type(file_type.media_type())
            .content_disposition(disposition::attachment(name.as_str()))
            .cache_control(CACHE_CONTROL);
        Ok(self.repeat("CopyObject", || request.clone().send()).await?.map(drop))
    }

    /// Deletes an object; one that is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let request = self.client.delete_object().bucket(&self.name).key(key);
        // Gone is gone.
        self.repeat("DeleteObject", || request.clone().send()).await.map(drop)
    }

    async fn repeat<T, E, F>(
        &self,
        operation: &'static str,
        attempt: impl FnMut() -> F,
    ) -> Result<Result<T, Changed>, Error>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.repeat_until(operation, attempt, |_| true).await
    }

    /// Repeats `attempt` until S3 has answered something that is `complete`, or patience ends.
    async fn repeat_until<T, E, F>(
        &self,
        operation: &'static str,
        mut attempt: impl FnMut() -> F,
        complete: impl Fn(&T) -> bool,
    ) -> Result<Result<T, Changed>, Error>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let attempts = async {
            let mut pause = self.patience.first_pause;
            loop {
                // The SDK's futures are large; whoever calls need not carry them along.
                match Box::pin(attempt()).await {
                    Ok(answer) if complete(&answer) => return Ok(Ok(answer)),
                    Ok(_broken_off) => {}
                    Err(error) => match failure(&error) {
                        Failure::Missing | Failure::Changed => return Ok(Err(Changed)),
                        Failure::Refused(code, message) => return Err(Error::Refused { operation, code, message }),
                        Failure::Transient => {}
                    },
                }
                let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
                let shortened = micros.saturating_sub(self.rng.below(micros / 2));
                tracing::debug!(operation, pause_micros = shortened, "repeating");
                tokio::time::sleep(Duration::from_micros(shortened)).await;
                pause = pause.saturating_mul(2);
            }
        };
        tokio::time::timeout(self.patience.total, attempts).await.unwrap_or(Err(Error::Busy { operation }))
    }
}
