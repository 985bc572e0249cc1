//! What the stand-in tells the merchant's server of its own accord, and how often.
//!
//! Source: <https://docs.tosspayments.com/reference/using-api/webhook-events> and
//! <https://docs.tosspayments.com/guides/webhook>.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use domain::time::Time;
use http::{Method, Request, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use toss::{Status, TimeOut, Transport};

use super::{
    TossSandbox,
    books::{BooksError, Page},
    charge::Charge,
    view,
};

/// How long the merchant has to answer 200.
const PATIENCE: TimeOut = TimeOut(Duration::from_secs(10));
/// Minutes until each repeat; after the last one nothing comes any more.
const REPEATS: [i64; 7] = [1, 4, 16, 64, 256, 1_024, 4_096];

/// An event on its way, as the books have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Names it, the same in every repeat.
    pub transmission_id: String,
    /// Where it goes.
    pub url: String,
    /// What it says.
    #[serde(skip)]
    pub body: String,
    /// How often it was repeated.
    pub retried: u32,
    /// When it is sent next; none if it has arrived or was given up.
    pub due: Option<Time>,
    /// Whether it has arrived.
    pub arrived: bool,
}

impl TossSandbox {
    /// Registers where events go, as a merchant does in Toss's developer centre. Without it there
    /// are none. Only the first call counts.
    pub fn send_webhooks_to(&self, url: &str) {
        self.0.webhook_url.get_or_init(|| url.to_owned());
    }

    /// Stores a charge, and an event of what has become of it.
    pub(super) fn keep(&self, page: &Page<'_>, charge: &Charge, now: Time) -> Result<(), BooksError> {
        let before = page.charge(&charge.payment_key)?;
        page.put(charge)?;
        let Some(url) = self.0.webhook_url.get() else { return Ok(()) };
        let same = before
            .is_some_and(|before| before.status == charge.status && before.movements.len() == charge.movements.len());
        // Not told: READY, IN_PROGRESS, and that a deposit is waited for.
        let told = [Status::Done, Status::Canceled, Status::PartialCanceled, Status::Aborted, Status::Expired];
        if same || !told.contains(&charge.status) {
            return Ok(());
        }
        self.announce(page, url, &changed(&self.payment_json(charge), now), now)?;
        // A merchant who has registered both events hears of a virtual account twice.
        if charge.is_virtual_account() && charge.status != Status::Expired {
            self.announce(page, url, &deposit(charge, now), now)?;
        }
        Ok(())
    }

    fn announce(&self, page: &Page<'_>, url: &str, event: &Value, now: Time) -> Result<(), BooksError> {
        page.put_webhook(&Webhook {
            transmission_id: self.new_key("wh_"),
            url: url.to_owned(),
            body: event.to_string(),
            retried: 0,
            due: Some(now),
            arrived: false,
        })?;
        self.0.announced.notify_one();
        Ok(())
    }

    /// Every event so far, the oldest first.
    pub fn webhooks(&self) -> Result<Vec<Webhook>, BooksError> {
        self.write(|page, _| page.webhooks(None))
    }

    /// Sends every event that is due, over `transport`. Answers how many arrived.
    pub async fn deliver_webhooks(&self, transport: &dyn Transport) -> Result<usize, BooksError> {
        let due = self.write(|page, now| page.webhooks(Some(now)))?;
        let mut arrived = 0_usize;
        for mut webhook in due {
            webhook.arrived = self.send(transport, &webhook).await;
            arrived = arrived.saturating_add(usize::from(webhook.arrived));
            let now = self.0.clock.now();
            let repeat = usize::try_from(webhook.retried).ok().and_then(|retried| REPEATS.get(retried));
            webhook.due =
                repeat.filter(|_| !webhook.arrived).map(|minutes| now.plus_seconds(minutes.saturating_mul(60)));
            if webhook.due.is_some() {
                webhook.retried = webhook.retried.saturating_add(1);
            }
            self.write(|page, _| page.put_webhook(&webhook))?;
        }
        Ok(arrived)
    }

    async fn send(&self, transport: &dyn Transport, webhook: &Webhook) -> bool {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&webhook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("tosspayments-webhook-transmission-id", &webhook.transmission_id)
            .header("tosspayments-webhook-transmission-time", view::korean(self.0.clock.now()))
            .header("tosspayments-webhook-transmission-retried-count", webhook.retried)
            .extension(PATIENCE)
            .body(Bytes::from(webhook.body.clone()));
        let Ok(request) = request else { return false };
        let answered = transport.send(request).await;
        answered.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Sends whatever is due, forever.
    pub async fn run_webhooks(&self, transport: &dyn Transport) -> Infallible {
        /// Repeats become due without anybody doing anything.
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        loop {
            if let Err(error) = self.deliver_webhooks(transport).await {
                tracing::error!(%error, "the sandbox of Toss cannot use its books");
            }
            // Not an error: nothing new for so long.
            drop(tokio::time::timeout(LOOK_EVERY, self.0.announced.notified()).await);
        }
    }
}

fn changed(payment: &Value, now: Time) -> Value {
    json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": korean_micros(now), "data": payment })
}

/// Flat, without a name and without the payment's key.
fn deposit(charge: &Charge, now: Time) -> Value {
    json!({
        "createdAt": korean_micros(now),
        "secret": charge.secret,
        "status": charge.status.as_str(),
        "transactionKey": charge.movements.last().map(|movement| movement.transaction_key.as_str()),
        "orderId": charge.order_id,
    })
}

/// `yyyy-MM-dd'T'HH:mm:ss.SSSSSS` in Korea, without an offset.
fn korean_micros(time: Time) -> String {
    let text = time.plus_seconds(9 * 60 * 60).to_string();
    format!("{}000", text.trim_end_matches('Z'))
}
