//! AWS's JSON protocol: `POST` with `X-Amz-Target: AmazonSQS.<operation>`.

use std::{collections::BTreeSet, fmt, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use serde_json::{Map, Value, json};

use super::{
    Sqs,
    errors::Refused,
    store::{Attributes, Delivered, Page},
};

/// Bytes of a message, or of all of a batch together, at most.
const LONGEST: usize = 1024 * 1024;
/// Whose queues these are, as AWS's stand-ins use to say.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "ap-northeast-2";

pub(super) fn router(sqs: &Sqs) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(4 * LONGEST)).with_state(sqs.clone())
}

/// A queue's URL.
pub(super) struct QueueUrl<'a> {
    pub base: &'a str,
    pub queue: &'a str,
}

impl fmt::Display for QueueUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{ACCOUNT}/{}", self.base, self.queue)
    }
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// The queue of a URL or an ARN: what stands behind the last separator.
fn last(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or_default()
}

async fn answer(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    let asked = Asked(serde_json::from_slice(&body).unwrap_or_default());
    match sqs.perform(operation, &asked).await {
        Ok(answer) => response(StatusCode::OK, &answer),
        Err(Refused::Rule { code, older_code, message }) => {
            let mut refused = response(
                StatusCode::BAD_REQUEST,
                &json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message }),
            );
            if let Ok(older) = HeaderValue::from_str(&format!("{older_code};Sender")) {
                refused.headers_mut().insert("x-amzn-query-error", older);
            }
            refused
        }
        Err(error @ Refused::Store(_)) => {
            tracing::error!(%error, "the stand-in of SQS cannot use its store");
            let (code, message) = error.told();
            response(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "__type": code, "message": message }))
        }
    }
}

fn response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}

/// The members of a request, or of one entry of a batch.
struct Asked(Map<String, Value>);

impl Asked {
    fn text(&self, name: &str) -> Result<&str, Refused> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| Refused::missing(name))
    }

    fn queue(&self) -> Result<&str, Refused> {
        Ok(last(self.text("QueueUrl")?, '/'))
    }

    /// A whole number within its limits, if it is there.
    fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refused> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        let wrong = || Refused::value(format!("Value {value} for parameter {name} is invalid: {least} to {most}."));
        number.map(Some).ok_or_else(wrong)
    }

    fn entries(&self) -> Result<Vec<(String, Self)>, Refused> {
        const MOST: usize = 10;
        let entries = self.0.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() {
            return Err(Refused::empty_batch());
        }
        if entries.len() > MOST {
            return Err(Refused::too_many_entries(entries.len()));
        }
        let mut seen = BTreeSet::new();
        let entry = |entry: &Value| {
            let entry = Self(entry.as_object().cloned().unwrap_or_default());
            let id = entry.text("Id")?.to_owned();
            if seen.insert(id.clone()) { Ok((id, entry)) } else { Err(Refused::repeated_entry(&id)) }
        };
        entries.iter().map(entry).collect()
    }

    /// The body of a message to be sent.
    fn body(&self) -> Result<&str, Refused> {
        let body = self.text("MessageBody")?;
        if body.is_empty() {
            return Err(Refused::missing("MessageBody"));
        }
        if body.len() > LONGEST {
            return Err(Refused::value(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {LONGEST} bytes."
            )));
        }
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        if body.chars().all(allowed) { Ok(body) } else { Err(Refused::contents()) }
    }

    /// The attributes of a queue to be made.
    fn attributes(&self) -> Result<Attributes, Refused> {
        let mut attributes = Attributes::default();
        let none = Map::new();
        for (name, value) in self.0.get("Attributes").and_then(Value::as_object).unwrap_or(&none) {
            let text = value.as_str().unwrap_or_default();
            let wrong = || Refused::attribute(format!("Invalid value for the parameter {name}."));
            let within = |least: i64, most: i64| {
                text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(wrong)
            };
            match name.as_str() {
                "VisibilityTimeout" => attributes.visibility_seconds = within(0, 43_200)?,
                "DelaySeconds" => attributes.delay_seconds = within(0, 900)?,
                "ReceiveMessageWaitTimeSeconds" => attributes.wait_seconds = within(0, 20)?,
                "MessageRetentionPeriod" => attributes.retention_seconds = within(60, 1_209_600)?,
                "RedrivePolicy" => attributes.dead_letters = Some(redrive_policy(text).ok_or_else(wrong)?),
                _ => return Err(Refused::unknown_operation(name)),
            }
        }
        Ok(attributes)
    }
}

/// `{"deadLetterTargetArn", "maxReceiveCount"}`; SDKs write the number as one or as a text.
fn redrive_policy(text: &str) -> Option<(String, u32)> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).filter(|count| (1..=1_000).contains(count))?;
    let target = policy.get("deadLetterTargetArn")?.as_str()?;
    Some((last(target, ':').to_owned(), u32::try_from(count).ok()?))
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=80).contains(&name.len()) && name.bytes().all(allowed)
}

fn md5(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}

fn shown(message: &Delivered) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.received.to_string(),
        "SentTimestamp": message.sent_at.unix_millis().to_string(),
        "ApproximateFirstReceiveTimestamp": message.first_received_at.unix_millis().to_string(),
        "SenderId": ACCOUNT,
    });
    if let (Some(source), Some(attributes)) = (&message.source, attributes.as_object_mut()) {
        attributes.insert("DeadLetterQueueSourceArn".to_owned(), arn(source).into());
    }
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5(&message.body),
        // All of them, asked for or not: nobody minds more.
        "Attributes": attributes,
    });
    if let (Some(shown), Value::Object(own)) = (shown.as_object_mut(), &message.attributes)
        && !own.is_empty()
    {
        shown.insert("MessageAttributes".to_owned(), message.attributes.clone());
    }
    shown
}

impl Sqs {
    async fn perform(&self, operation: &str, asked: &Asked) -> Result<Value, Refused> {
        match operation {
            "CreateQueue" => self.create_queue(asked),
            "GetQueueUrl" => {
                let name = asked.text("QueueName")?;
                self.write(|page| page.queue(name))?;
                Ok(json!({ "QueueUrl": self.url(name) }))
            }
            "GetQueueAttributes" => self.queue_attributes(asked),
            "SendMessage" => {
                let sent = self.write(|page| self.send(page, asked.queue()?, asked))?;
                self.0.changed.notify_waiters();
                Ok(sent)
            }
            "SendMessageBatch" => self.send_batch(asked),
            "ReceiveMessage" => self.receive_message(asked).await,
            "DeleteMessage" => {
                self.delete(asked.queue()?, asked.text("ReceiptHandle")?)?;
                Ok(json!({}))
            }
            "DeleteMessageBatch" => self.each(asked, |page, entry| {
                page.delete(asked.queue()?, entry.text("ReceiptHandle")?).map(|()| Map::new())
            }),
            "ChangeMessageVisibility" => {
                self.write(|page| change_visibility(page, asked.queue()?, asked))?;
                self.0.changed.notify_waiters();
                Ok(json!({}))
            }
            "StartMessageMoveTask" => {
                let source = last(asked.text("SourceArn")?, ':');
                let target = asked.text("DestinationArn").ok().map(|arn| last(arn, ':'));
                // At once, and not in the background as AWS does.
                self.write(|page| page.redrive(source, target))?;
                self.0.changed.notify_waiters();
                Ok(json!({ "TaskHandle": self.0.ids.token() }))
            }
            other => Err(Refused::unknown_operation(other)),
        }
    }

    fn create_queue(&self, asked: &Asked) -> Result<Value, Refused> {
        let name = asked.text("QueueName")?;
        if !is_name(name) {
            return Err(Refused::value(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
            ));
        }
        let attributes = asked.attributes()?;
        self.write(|page| {
            if let Some((dead_letters, _)) = &attributes.dead_letters {
                page.queue(dead_letters)?;
            }
            match page.find_queue(name)? {
                None => page.put_queue(name, &attributes),
                Some(present) if present == attributes => Ok(()),
                Some(_) => Err(Refused::exists()),
            }
        })?;
        Ok(json!({ "QueueUrl": self.url(name) }))
    }

    fn queue_attributes(&self, asked: &Asked) -> Result<Value, Refused> {
        let name = asked.queue()?;
        let (attributes, depth) = self.write(|page| Ok((page.queue(name)?, page.depth(name)?)))?;
        let mut all = json!({
            "QueueArn": arn(name),
            "ApproximateNumberOfMessages": depth.visible.to_string(),
            "ApproximateNumberOfMessagesNotVisible": depth.in_flight.to_string(),
            "ApproximateNumberOfMessagesDelayed": depth.delayed.to_string(),
            "VisibilityTimeout": attributes.visibility_seconds.to_string(),
            "DelaySeconds": attributes.delay_seconds.to_string(),
            "ReceiveMessageWaitTimeSeconds": attributes.wait_seconds.to_string(),
            "MessageRetentionPeriod": attributes.retention_seconds.to_string(),
            "MaximumMessageSize": LONGEST.to_string(),
        });
        if let (Some((target, count)), Some(all)) = (attributes.dead_letters, all.as_object_mut()) {
            let policy = json!({ "deadLetterTargetArn": arn(&target), "maxReceiveCount": count });
            all.insert("RedrivePolicy".to_owned(), policy.to_string().into());
        }
        Ok(json!({ "Attributes": all }))
    }

    fn send(&self, page: &Page<'_>, queue: &str, asked: &Asked) -> Result<Value, Refused> {
        let body = asked.body()?;
        let delay = asked.number("DelaySeconds", 0, 900)?;
        let attributes = asked.0.get("MessageAttributes").cloned().unwrap_or_else(|| json!({}));
        let id = self.0.ids.token();
        page.send(queue, &id, body, &attributes, delay)?;
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5(body) }))
    }

    fn send_batch(&self, asked: &Asked) -> Result<Value, Refused> {
        let bytes = |(_, entry): &(String, Asked)| entry.text("MessageBody").map_or(0, str::len);
        if asked.entries()?.iter().map(bytes).sum::<usize>() > LONGEST {
            return Err(Refused::batch_too_long());
        }
        let sent = self.each(asked, |page, entry| {
            let sent = self.send(page, asked.queue()?, entry)?;
            Ok(sent.as_object().cloned().unwrap_or_default())
        });
        self.0.changed.notify_waiters();
        sent
    }

    /// Does `work` on each entry of a batch: those that are refused do not keep the others from it.
    fn each(
        &self,
        asked: &Asked,
        work: impl Fn(&Page<'_>, &Asked) -> Result<Map<String, Value>, Refused>,
    ) -> Result<Value, Refused> {
        let entries = asked.entries()?;
        self.write(|page| {
            page.queue(asked.queue()?)?;
            let (mut successful, mut failed) = (vec![], vec![]);
            for (id, entry) in &entries {
                match work(page, entry) {
                    Ok(mut done) => {
                        done.insert("Id".to_owned(), id.as_str().into());
                        successful.push(Value::Object(done));
                    }
                    Err(error @ Refused::Store(_)) => return Err(error),
                    Err(refused) => {
                        let (code, message) = refused.told();
                        failed.push(json!({ "Id": id, "Code": code, "Message": message, "SenderFault": true }));
                    }
                }
            }
            Ok(json!({ "Successful": successful, "Failed": failed }))
        })
    }

    async fn receive_message(&self, asked: &Asked) -> Result<Value, Refused> {
        let queue = asked.queue()?;
        let most = asked.number("MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
        let most = u32::try_from(most).unwrap_or(1);
        let visibility = asked.number("VisibilityTimeout", 0, 43_200)?;
        let wait = asked.number("WaitTimeSeconds", 0, 20)?;
        let wait = wait.unwrap_or(self.write(|page| page.queue(queue))?.wait_seconds);
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or_default());
        let found = tokio::time::timeout(wait, self.receive_some(queue, most, visibility));
        let messages = match found.await {
            Ok(messages) => messages?,
            // A last look, also of whoever does not wait at all.
            Err(_nothing_came) => self.receive_for(queue, most, visibility)?,
        };
        if messages.is_empty() {
            return Ok(json!({}));
        }
        Ok(json!({ "Messages": messages.iter().map(shown).collect::<Vec<_>>() }))
    }

    /// Waits until there is a message. The wait itself is real time: a poll is no longer because
    /// somebody moved the clock.
    async fn receive_some(&self, queue: &str, most: u32, visibility: Option<i64>) -> Result<Vec<Delivered>, Refused> {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let messages = self.receive_for(queue, most, visibility)?;
            if !messages.is_empty() {
                return Ok(messages);
            }
            let next = self.write(|page| page.next_visible(queue))?.unwrap_or(20_000);
            // Nothing to do about it: either somebody changed something, or a message becomes visible.
            drop(tokio::time::timeout(Duration::from_millis(next), changed).await);
        }
    }
}

fn change_visibility(page: &Page<'_>, queue: &str, asked: &Asked) -> Result<(), Refused> {
    let seconds = asked.number("VisibilityTimeout", 0, 43_200)?.ok_or_else(|| Refused::missing("VisibilityTimeout"))?;
    page.change_visibility(queue, asked.text("ReceiptHandle")?, seconds)
}
