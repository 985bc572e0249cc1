//! The stream as the SDK reads it.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodbstreams::{
    Client,
    config::{Credentials, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{Record, ShardIteratorType},
};
use storage::Connection;
use tokio::sync::OnceCell;

/// One call. The table's server answers within milliseconds.
const ATTEMPT: std::time::Duration = std::time::Duration::from_secs(5);

/// The stream cannot be read now.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There is none.
    #[error("the table has no stream")]
    NoStream,
    /// No answer, or a refusal.
    #[error("the stream cannot be read: {0}")]
    Failed(String),
}

impl<E: ProvideErrorMetadata, R> From<SdkError<E, R>> for Unreadable {
    fn from(error: SdkError<E, R>) -> Self {
        let told = error.as_service_error().and_then(|error| error.code().zip(error.message()));
        Self::Failed(told.map_or_else(|| "no answer".to_owned(), |(code, message)| format!("{code}: {message}")))
    }
}

/// Reads the stream of one table.
#[derive(Debug)]
pub(super) struct Reader {
    client: Client,
    table: String,
    place: OnceCell<Place>,
}

/// Where the records are.
#[derive(Debug)]
pub(super) struct Place {
    /// The stream's name, another one whenever the table is made anew.
    pub(super) arn: String,
    /// Its shards, parents first. A local table has one for as long as it lives.
    pub(super) shards: Vec<String>,
}

impl Reader {
    /// Builds the client. Nothing is sent until the first call.
    pub(super) async fn connect(connection: Connection) -> Self {
        let region = Region::new(connection.region);
        let mut config = aws_sdk_dynamodbstreams::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            // Whoever plays the stream comes again anyway.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = connection.endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some((id, secret)) = connection.credentials {
            config = config.credentials_provider(Credentials::new(id, secret, None, None, "settings"));
        } else {
            let shared = Box::pin(aws_config::defaults(BehaviorVersion::latest()).region(region).load()).await;
            if let Some(credentials) = shared.credentials_provider() {
                config = config.credentials_provider(credentials);
            }
        }
        config.set_http_client(connection.http);
        Self { client: Client::from_conf(config.build()), table: connection.table, place: OnceCell::new() }
    }

    /// Where the records are; asked once.
    pub(super) async fn place(&self) -> Result<&Place, Unreadable> {
        self.place.get_or_try_init(|| self.look()).await
    }

    /// The stream's name, once it is known.
    pub(super) fn place_known(&self) -> Option<&str> {
        self.place.get().map(|place| place.arn.as_str())
    }

    async fn look(&self) -> Result<Place, Unreadable> {
        // The SDK's futures are large; whoever waits for a record need not carry them along.
        let streams = Box::pin(self.client.list_streams().table_name(&self.table).send()).await?;
        let arn = streams.streams().iter().find_map(|stream| stream.stream_arn()).ok_or(Unreadable::NoStream)?;
        let described = Box::pin(self.client.describe_stream().stream_arn(arn).send()).await?;
        let shards = described.stream_description().ok_or(Unreadable::NoStream)?.shards();
        let shards = shards.iter().filter_map(|shard| shard.shard_id()).map(str::to_owned).collect();
        Ok(Place { arn: arn.to_owned(), shards })
    }

    /// Up to `most` records of a shard after `number`, or from its beginning.
    pub(super) async fn after(
        &self,
        shard: &str,
        number: Option<&str>,
        most: usize,
    ) -> Result<Vec<Record>, Unreadable> {
        let from = match number {
            Some(_) => ShardIteratorType::AfterSequenceNumber,
            None => ShardIteratorType::TrimHorizon,
        };
        let iterator = self.client.get_shard_iterator().stream_arn(&self.place().await?.arn).shard_id(shard);
        let iterator = iterator.shard_iterator_type(from).set_sequence_number(number.map(str::to_owned));
        let iterator = Box::pin(iterator.send()).await?.shard_iterator;
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let records = self.client.get_records().set_shard_iterator(iterator).limit(most);
        let records = Box::pin(records.send()).await?;
        Ok(records.records.unwrap_or_default())
    }
}
