//! The table and the client that speaks to it.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::SdkError,
    operation::{delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, Get, KeysAndAttributes, TransactGetItem},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use clock::{Clock, Ids, Rng};

use crate::{
    Error, Stored, Write, WriteError, decode,
    keys::Key,
    retry::{Attempt, Failure, Patience, failure},
    write::WRITE_ID,
};

/// An item as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// The single table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) ids: Ids,
    pub(crate) rng: Rng,
    pub(crate) patience: Patience,
}

/// Where the table is and what its client is made of.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The table's name.
    pub table: String,
    /// Another DynamoDB than the region's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// Fixed credentials, for a local DynamoDB; without them the environment's.
    pub credentials: Option<(String, String)>,
    /// Another HTTP client under the SDK: the seam of tests and simulation.
    pub http: Option<SharedHttpClient>,
}

/// One attempt takes milliseconds; one that hangs is given up in time for another.
const ATTEMPT: Duration = Duration::from_secs(2);

impl Table {
    /// Builds the client. Nothing is sent until the first call.
    pub async fn connect(connection: Connection, clock: &Clock, rng: &Rng) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(Duration::from_secs(1)).operation_attempt_timeout(ATTEMPT);
        let mut config = aws_sdk_dynamodb::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(connection.region.clone()))
            // Repeating is `retry`'s: what is tested is what runs.
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
        Self {
            client: Client::from_conf(config.build()),
            name: connection.table,
            ids: Ids::new(clock.clone(), rng.clone()),
            rng: rng.clone(),
            patience: Patience::default(),
        }
    }

    /// Reads one item; it may be a moment old.
    pub async fn get<T: Stored>(&self, key: Key) -> Result<Option<T>, Error> {
        self.read(key, false).await
    }

    /// Reads one item as it is now: what every decision about money reads.
    pub async fn get_now<T: Stored>(&self, key: Key) -> Result<Option<T>, Error> {
        self.read(key, true).await
    }

    async fn read<T: Stored>(&self, key: Key, now: bool) -> Result<Option<T>, Error> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key.into())).consistent_read(now);
        let answer = self.patience.repeat(&self.rng, "GetItem", |_| attempt("GetItem", request.clone().send())).await?;
        answer.item.map(decode).transpose()
    }

    /// Reads many items as they are now, in no order; those that do not exist are left out.
    pub async fn get_all_now<T: Stored>(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<T>, Error> {
        self.batch(keys, true).await?.into_iter().map(decode).collect()
    }

    /// Reads many items, which may be a moment old, in no order.
    pub async fn get_all<T: Stored>(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<T>, Error> {
        self.batch(keys, false).await?.into_iter().map(decode).collect()
    }

    /// Reads items of several kinds, which may be a moment old.
    pub async fn get_mixed(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, Error> {
        self.batch(keys, false).await
    }

    /// Reads items of several kinds as they are now.
    pub async fn get_mixed_now(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, Error> {
        self.batch(keys, true).await
    }

    /// Reads up to 100 items as they were at one instant, or, where writers are in the way, each
    /// as it is now. In no order; those that do not exist are left out.
    pub async fn transact_get<T: Stored>(&self, keys: Vec<Key>) -> Result<Vec<T>, Error> {
        let get = |key: Key| {
            let get = Get::builder().table_name(&self.name).set_key(Some(key.into())).build();
            let get = get.map_err(|error| Error::Malformed(error.to_string()))?;
            Ok(TransactGetItem::builder().get(get).build())
        };
        let gets: Vec<_> = keys.iter().cloned().map(get).collect::<Result<_, Error>>()?;
        match self.client.transact_get_items().set_transact_items(Some(gets)).send().await {
            Ok(answer) => {
                answer.responses.unwrap_or_default().into_iter().filter_map(|found| found.item).map(decode).collect()
            }
            Err(error) => match failure(&error) {
                Failure::Refused(code, message) if code != "TransactionCanceledException" => {
                    Err(Error::Driver { operation: "TransactGetItems", code, message })
                }
                _ => self.get_all_now(keys).await,
            },
        }
    }

    async fn batch(&self, keys: impl IntoIterator<Item = Key>, now: bool) -> Result<Vec<Item>, Error> {
        const AT_ONCE: usize = 100;
        let mut left: Vec<Item> = keys.into_iter().map(Item::from).collect();
        let mut items = vec![];
        let mut rounds: u32 = 0;
        while !left.is_empty() {
            let chunk = left.split_off(left.len().saturating_sub(AT_ONCE));
            let asked = KeysAndAttributes::builder().set_keys(Some(chunk)).consistent_read(now).build();
            let asked = asked.map_err(|error| Error::Malformed(error.to_string()))?;
            let request = self.client.batch_get_item().request_items(&self.name, asked);
            let answer = self
                .patience
                .repeat(&self.rng, "BatchGetItem", |_| attempt("BatchGetItem", request.clone().send()))
                .await?;
            items.extend(answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default());
            let unprocessed = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
            if let Some(unprocessed) = unprocessed {
                rounds = rounds.saturating_add(1);
                if rounds > 10 {
                    return Err(Error::Busy { operation: "BatchGetItem" });
                }
                tokio::time::sleep(self.patience.first_pause.saturating_mul(rounds)).await;
                left.extend(unprocessed.keys);
            }
        }
        Ok(items)
    }

    /// Makes one conditional write, exactly once: a retry after a lost answer knows its own
    /// first try by the `writeId` that it left.
    pub async fn write(&self, write: Write) -> Result<(), WriteError> {
        let id = self.ids.token();
        let deletes = write.deletes();
        let compiled = write.stamped(&id).compile(&self.name)?;
        let send = |maybe_done| self.send(&compiled, &id, maybe_done, deletes);
        self.patience.repeat(&self.rng, "Write", send).await?
    }

    async fn send(
        &self,
        write: &aws_sdk_dynamodb::types::TransactWriteItem,
        id: &str,
        maybe_done: bool,
        deletes: bool,
    ) -> Attempt<Result<(), WriteError>> {
        let unmet = |item: Option<Item>| {
            let ours = match &item {
                Some(item) => item.get(WRITE_ID).is_some_and(|stamp| stamp.as_s().is_ok_and(|stamp| stamp == id)),
                None => deletes,
            };
            if maybe_done && ours { Ok(()) } else { Err(WriteError::Unmet(item)) }
        };
        if let Some(put) = &write.put {
            let request = self
                .client
                .put_item()
                .table_name(&put.table_name)
                .set_item(Some(put.item.clone()))
                .set_condition_expression(put.condition_expression.clone())
                .set_expression_attribute_names(put.expression_attribute_names.clone())
                .set_expression_attribute_values(put.expression_attribute_values.clone())
                .set_return_values_on_condition_check_failure(put.return_values_on_condition_check_failure.clone());
            settle("PutItem", request.send().await, unmet, |error| match error {
                PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                _ => None,
            })
        } else if let Some(update) = &write.update {
            let request = self
                .client
                .update_item()
                .table_name(&update.table_name)
                .set_key(Some(update.key.clone()))
                .update_expression(&update.update_expression)
                .set_condition_expression(update.condition_expression.clone())
                .set_expression_attribute_names(update.expression_attribute_names.clone())
                .set_expression_attribute_values(update.expression_attribute_values.clone())
                .set_return_values_on_condition_check_failure(update.return_values_on_condition_check_failure.clone());
            settle("UpdateItem", request.send().await, unmet, |error| match error {
                UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                _ => None,
            })
        } else if let Some(delete) = &write.delete {
            let request = self
                .client
                .delete_item()
                .table_name(&delete.table_name)
                .set_key(Some(delete.key.clone()))
                .set_condition_expression(delete.condition_expression.clone())
                .set_expression_attribute_names(delete.expression_attribute_names.clone())
                .set_expression_attribute_values(delete.expression_attribute_values.clone())
                .set_return_values_on_condition_check_failure(delete.return_values_on_condition_check_failure.clone());
            settle("DeleteItem", request.send().await, unmet, |error| match error {
                DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                _ => None,
            })
        } else {
            Attempt::Done(Err(Error::Malformed("a check is no write of its own".to_owned())))
        }
    }
}

/// One attempt of a write; `condition` picks the item out of a failed condition.
fn settle<T, E: aws_sdk_dynamodb::error::ProvideErrorMetadata>(
    operation: &'static str,
    sent: Result<T, SdkError<E, HttpResponse>>,
    unmet: impl FnOnce(Option<Item>) -> Result<(), WriteError>,
    condition: impl FnOnce(&E) -> Option<Option<Item>>,
) -> Attempt<Result<(), WriteError>> {
    match sent {
        Ok(_) => Attempt::Done(Ok(Ok(()))),
        Err(error) => match error.as_service_error().and_then(condition) {
            Some(item) => Attempt::Done(Ok(unmet(item))),
            None => after(operation, &error),
        },
    }
}

fn after<T, E: aws_sdk_dynamodb::error::ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> Attempt<T> {
    match failure(error) {
        Failure::Transient => Attempt::NoEffect,
        Failure::Unknown => Attempt::Unknown,
        Failure::Refused(code, message) => Attempt::Done(Err(Error::Driver { operation, code, message })),
    }
}

/// One attempt of a read.
pub(crate) async fn attempt<T, E: aws_sdk_dynamodb::error::ProvideErrorMetadata>(
    operation: &'static str,
    sent: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Attempt<T> {
    match sent.await {
        Ok(answer) => Attempt::Done(Ok(answer)),
        Err(error) => after(operation, &error),
    }
}
