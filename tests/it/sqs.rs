//! SQS as the SDK meets it: the stand-in of the local server, or, with `TEST_SQS`, another SQS. What
//! holds for both holds for AWS, as far as its documentation goes.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig},
    error::ProvideErrorMetadata,
    types::{
        BatchResultErrorEntry, DeleteMessageBatchRequestEntry, DeleteMessageBatchResultEntry, Message,
        MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use clock::{Movable, Rng};
use config::Reader;
use devloop_local::sqs::{Location, Sqs};
use serde_json::json;

/// An SQS, and how time passes there.
struct Far {
    client: Client,
    here: Option<(Sqs, Movable)>,
    run: u64,
}

fn client(endpoint: &str, http: Option<SharedHttpClient>) -> Client {
    let mut config = aws_sdk_sqs::config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-northeast-2"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    config.set_http_client(http);
    Client::from_conf(config.build())
}

impl Far {
    fn new() -> Self {
        let rng = Rng::from_system();
        let run = rng.below(u64::MAX);
        if let Some(url) = Reader::from_environment().optional::<String>("TEST_SQS") {
            let http = aws_smithy_http_client::Builder::new().build_http();
            return Self { client: client(&url, Some(http)), here: None, run };
        }
        let clock = Movable::standing_at("2026-11-24T00:00:00Z".parse().unwrap());
        let sqs = Sqs::open(&Location::Memory, clock.clock(), rng).unwrap();
        Self { client: client("http://sqs.test", Some(sqs.http_client())), here: Some((sqs, clock)), run }
    }

    /// Lets time pass: at once where the clock is ours.
    async fn pass(&self, seconds: u64) {
        match &self.here {
            Some((sqs, clock)) => {
                clock.advance(i64::try_from(seconds).unwrap() * 1_000);
                sqs.clock_moved();
            }
            None => tokio::time::sleep(Duration::from_millis(seconds * 1_000 + 200)).await,
        }
    }

    /// A new queue.
    async fn queue(&self, name: &str, attributes: &[(QueueAttributeName, String)]) -> Queue<'_> {
        let mut create = self.client.create_queue().queue_name(format!("{name}-{}", self.run));
        for (name, value) in attributes {
            create = create.attributes(name.clone(), value);
        }
        Queue { far: self, url: create.send().await.unwrap().queue_url.unwrap() }
    }
}

struct Queue<'a> {
    far: &'a Far,
    url: String,
}

impl Queue<'_> {
    async fn send(&self, body: &str) -> String {
        self.far.client.send_message().queue_url(&self.url).message_body(body).send().await.unwrap().message_id.unwrap()
    }

    async fn receive(&self) -> Vec<Message> {
        let receive = self.far.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, message: &Message) {
        let receipt = message.receipt_handle.as_ref().unwrap();
        self.far.client.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await.unwrap();
    }

    async fn attribute(&self, name: QueueAttributeName) -> String {
        let asked = self.far.client.get_queue_attributes().queue_url(&self.url);
        let told = asked.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
        told[&name].clone()
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    let mut bodies: Vec<&str> = messages.iter().map(|message| message.body().unwrap()).collect();
    bodies.sort_unstable();
    bodies
}

fn received(message: &Message) -> &str {
    &message.attributes.as_ref().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

fn visibility(seconds: u32) -> (QueueAttributeName, String) {
    (QueueAttributeName::VisibilityTimeout, seconds.to_string())
}

#[tokio::test]
async fn a_message_comes_again_until_it_is_deleted() {
    let far = Far::new();
    let queue = far.queue("again", &[visibility(1)]).await;
    let k = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
    let sent = far.client.send_message().queue_url(&queue.url).message_body("하나").message_attributes("k", k);
    let sent = sent.send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some(format!("{:x}", md5::compute("하나")).as_str()));
    let first = queue.receive().await;
    assert_eq!((bodies(&first), received(&first[0])), (vec!["하나"], "1"));
    assert_eq!(first[0].message_id, sent.message_id);
    assert_eq!(first[0].message_attributes.as_ref().unwrap()["k"].string_value(), Some("v"));
    assert!(queue.receive().await.is_empty(), "it is in flight");
    far.pass(1).await;
    let second = queue.receive().await;
    assert_eq!((bodies(&second), received(&second[0])), (vec!["하나"], "2"));
    queue.delete(&second[0]).await;
    far.pass(1).await;
    assert!(queue.receive().await.is_empty());
}

#[tokio::test]
async fn a_receiver_may_keep_a_message_longer_or_give_it_back() {
    let far = Far::new();
    let queue = far.queue("visibility", &[visibility(1)]).await;
    queue.send("a").await;
    let change = async |message: &Message, seconds| {
        let receipt = message.receipt_handle.as_ref().unwrap();
        let change = far.client.change_message_visibility().queue_url(&queue.url).receipt_handle(receipt);
        change.visibility_timeout(seconds).send().await.unwrap();
    };
    let held = queue.receive().await;
    change(&held[0], 4).await;
    far.pass(2).await;
    assert!(queue.receive().await.is_empty());
    change(&held[0], 0).await;
    assert_eq!(bodies(&queue.receive().await), ["a"]);
}

#[tokio::test]
async fn a_delay_is_the_queues_or_the_messages_own() {
    let far = Far::new();
    let queue = far.queue("delay", &[(QueueAttributeName::DelaySeconds, "2".to_owned())]).await;
    queue.send("the queue's").await;
    far.client.send_message().queue_url(&queue.url).message_body("none").delay_seconds(0).send().await.unwrap();
    assert_eq!(bodies(&queue.receive().await), ["none"]);
    assert_eq!(queue.attribute(QueueAttributeName::ApproximateNumberOfMessagesDelayed).await, "1");
    far.pass(2).await;
    assert_eq!(bodies(&queue.receive().await), ["the queue's"]);
    let too_long = far.client.send_message().queue_url(&queue.url).message_body("x").delay_seconds(901).send().await;
    assert!(too_long.is_err());
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_message() {
    let far = Far::new();
    let queue = far.queue("poll", &[]).await;
    let poll = far.client.receive_message().queue_url(&queue.url).wait_time_seconds(20);
    let send = async {
        tokio::task::yield_now().await;
        queue.send("late").await;
    };
    let both = async { tokio::join!(poll.send(), send) };
    let (found, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.expect("woken by the message");
    assert_eq!(bodies(&found.unwrap().messages.unwrap()), ["late"]);
}

#[tokio::test]
async fn of_a_batch_the_good_entries_take_effect() {
    let far = Far::new();
    let queue = far.queue("batch", &[]).await;
    let entry =
        |n: usize| SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(n.to_string()).build();
    let send = async |entries: Vec<usize>| {
        let entries = entries.into_iter().map(|n| entry(n).unwrap()).collect();
        far.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await
    };
    assert_eq!(send((0..3).collect()).await.unwrap().successful().len(), 3);
    for (entries, refusal) in
        [((0..11).collect(), "TooManyEntriesInBatchRequest"), (vec![1, 1], "BatchEntryIdsNotDistinct")]
    {
        let refused = send(entries).await.unwrap_err();
        assert!(refused.code().unwrap_or_default().contains(refusal), "{refused:?}");
    }
    let found = queue.receive().await;
    assert_eq!(bodies(&found), ["0", "1", "2"]);
    let delete =
        |id: &str, receipt: &str| DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(receipt).build();
    let entries =
        vec![delete("good", found[0].receipt_handle().unwrap()).unwrap(), delete("bad", "not-a-handle").unwrap()];
    let deleted =
        far.client.delete_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(deleted.successful().iter().map(DeleteMessageBatchResultEntry::id).collect::<Vec<_>>(), ["good"]);
    assert_eq!(deleted.failed().iter().map(BatchResultErrorEntry::id).collect::<Vec<_>>(), ["bad"]);
}

#[tokio::test]
async fn what_sqs_does_not_take_is_refused() {
    let far = Far::new();
    let queue = far.queue("refused", &[]).await;
    let send = async |body: &str| {
        let sent = far.client.send_message().queue_url(&queue.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| error.into_service_error().code().unwrap_or_default().to_owned())
    };
    assert!(send(&"x".repeat(1024 * 1024 + 1)).await.is_err());
    send(&"x".repeat(1024 * 1024)).await.unwrap();
    assert!(send("bad\u{1}").await.is_err());
    let receive = |most, wait| {
        let receive = far.client.receive_message().queue_url(&queue.url).max_number_of_messages(most);
        receive.wait_time_seconds(wait).send()
    };
    assert!(receive(11, 0).await.is_err());
    assert!(receive(1, 21).await.is_err());
    let handle = far.client.delete_message().queue_url(&queue.url).receipt_handle("not-a-handle").send().await;
    assert_eq!(handle.unwrap_err().into_service_error().code(), Some("ReceiptHandleIsInvalid"));
    let nowhere = far.client.receive_message().queue_url(format!("{}-nope", queue.url)).send().await;
    // Its name in the JSON protocol, or in the older one.
    let nowhere = nowhere.unwrap_err().code().unwrap_or_default().to_owned();
    assert!(nowhere.contains("QueueDoesNotExist") || nowhere.contains("NonExistentQueue"), "{nowhere}");
    let same_name = far.client.create_queue().queue_name(format!("refused-{}", far.run));
    let same_name = same_name.attributes(QueueAttributeName::DelaySeconds, "9").send().await;
    assert!(same_name.is_err());
}

#[tokio::test]
async fn what_keeps_failing_goes_to_the_dead_letters_and_can_come_back() {
    let far = Far::new();
    let dead_letters = far.queue("dead-letters", &[]).await;
    let target = dead_letters.attribute(QueueAttributeName::QueueArn).await;
    let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 2 }).to_string();
    let queue = far.queue("source", &[visibility(1), (QueueAttributeName::RedrivePolicy, policy)]).await;
    let id = queue.send("poison").await;
    for _ in 0..2 {
        assert_eq!(bodies(&queue.receive().await), ["poison"]);
        far.pass(1).await;
    }
    assert!(queue.receive().await.is_empty());
    let dead = dead_letters.receive().await;
    assert_eq!((bodies(&dead), dead[0].message_id()), (vec!["poison"], Some(id.as_str())));
    let receipt = dead[0].receipt_handle().unwrap();
    let back = far.client.change_message_visibility().queue_url(&dead_letters.url).receipt_handle(receipt);
    back.visibility_timeout(0).send().await.unwrap();
    far.client.start_message_move_task().source_arn(&target).send().await.unwrap();
    far.pass(2).await;
    assert_eq!(bodies(&queue.receive().await), ["poison"]);
}

/// Of the stand-in alone.
#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("sqs.sqlite"));
    let clock = Movable::standing_at("2026-11-24T00:00:00Z".parse().unwrap());
    for start in 0..2 {
        let sqs = Sqs::open(&location, clock.clock(), Rng::from_seed(start)).unwrap();
        let client = client("http://sqs.test", Some(sqs.http_client()));
        if start == 0 {
            sqs.declare("kept", &devloop_local::sqs::Attributes::default()).unwrap();
            let send = client.send_message().queue_url(sqs.url("kept")).message_body("a").delay_seconds(60);
            send.send().await.unwrap();
            assert!(sqs.receive("kept").unwrap().is_empty());
        } else {
            clock.advance(60_000);
            assert_eq!(sqs.receive("kept").unwrap().len(), 1);
        }
    }
}
