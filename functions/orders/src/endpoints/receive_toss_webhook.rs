//! `POST /v1/webhooks/toss`: hears from Toss that a payment may have changed.
//!
//! Anybody can send this: nothing of it is believed. It names an order to look at, which is put
//! into a queue before it is answered; the payment-reconciler then asks Toss itself.
//!
//! Source: <https://docs.tosspayments.com/reference/using-api/webhook-events>.

use std::time::Duration;

use deserr::Deserr;
use devloop_http::{Json, Public};
use domain::validation::FieldErrors;
use jobs::{NotSent, PaymentJob};
use serde::Serialize;
use storage::keys;
use utoipa::ToSchema;

use crate::App;

/// An event, in the members that are read. Toss adds events and members at any time, so unlike all
/// other requests this one may have more.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-24T09:00:00.000000",
    "data": { "paymentKey": "tviva20261124000000abcd1", "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "status": "DONE" },
}))]
pub struct TossWebhook {
    /// Such as `PAYMENT_STATUS_CHANGED`. A deposit is told without one.
    #[deserr(default)]
    event_type: Option<String>,
    /// When it happened, in Korea; not read.
    #[deserr(default)]
    #[expect(dead_code, reason = "documented; only Toss's answer to our question counts")]
    created_at: Option<String>,
    /// What it is about; of a payment, at least these.
    #[deserr(default)]
    data: Option<TossWebhookData>,
    /// The order of a deposit, which is told flat.
    #[deserr(default)]
    order_id: Option<String>,
    /// What became of the deposit: a hint, and no more.
    #[deserr(default)]
    status: Option<String>,
    /// The secret of a deposit's payment.
    #[deserr(default)]
    secret: Option<String>,
}

/// A payment, or whatever else an event is about.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase)]
#[schema(rename_all = "camelCase")]
pub struct TossWebhookData {
    /// Toss's name of the payment; not read.
    #[deserr(default)]
    #[expect(dead_code, reason = "documented; the key that counts is the one that the order has stored")]
    payment_key: Option<String>,
    /// Our order.
    #[deserr(default)]
    order_id: Option<String>,
    /// What became of it: a hint whether looking is worth it, and no more.
    #[deserr(default)]
    status: Option<String>,
    /// The payment's secret.
    #[deserr(default)]
    secret: Option<String>,
}

/// Nothing but that it arrived: whoever guesses order ids learns nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "received": true }))]
pub struct Received {
    received: bool,
}

/// How long the look is put off. Toss tells of a payment before it answers the confirmation that
/// made it: until then that one has settled, and there is nothing left to ask.
const HEAD_START: Duration = Duration::from_secs(5);

impl TossWebhook {
    /// The look that it asks for. Events about anything else, and orders that are not ours, ask for none.
    fn look(&self) -> Option<PaymentJob> {
        let (order_id, status, secret) = match self.event_type.as_deref() {
            Some("PAYMENT_STATUS_CHANGED") => {
                let data = self.data.as_ref()?;
                (&data.order_id, &data.status, &data.secret)
            }
            // DEPOSIT_CALLBACK, which does not say so.
            None => (&self.order_id, &self.status, &self.secret),
            // CANCEL_STATUS_CHANGED is about a cancel that is paid back abroad, names no order, and is
            // sent for ways of paying only that nobody can choose here.
            Some(_) => return None,
        };
        Some(PaymentJob::LookAtPayment {
            order_id: order_id.as_deref()?.parse().ok()?,
            // The secret itself is nobody's business, not even a queue's.
            proof: secret.as_deref().map(keys::hashed),
            undone: matches!(status.as_deref(), Some("CANCELED" | "PARTIAL_CANCELED" | "WAITING_FOR_DEPOSIT")),
        })
    }
}

/// Takes the event in; Toss repeats what is not answered 200 within ten seconds.
pub async fn receive_toss_webhook(
    app: App,
    _: Public,
    Json(event): Json<TossWebhook>,
) -> Result<Json<Received>, NotSent> {
    if let Some(look) = event.look() {
        app.jobs.payments.send(look, HEAD_START).await?;
    }
    Ok(Json(Received { received: true }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn order(event: Value) -> Option<String> {
        let event: TossWebhook = deserr::deserialize::<_, _, FieldErrors>(event).unwrap();
        event.look().map(|look| match look {
            PaymentJob::LookAtPayment { order_id, .. } | PaymentJob::CheckPayment { order_id } => order_id.to_string(),
        })
    }

    #[test]
    fn every_shape_of_toss_names_the_order_or_none() {
        let id = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";
        let data = json!({ "paymentKey": "k", "orderId": id, "status": "DONE", "card": { "amount": 1 } });
        let changed =
            json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2022-01-01T00:00:00.000000", "data": data });
        assert_eq!(order(changed).as_deref(), Some(id));
        let deposit = json!({ "createdAt": "2022-01-01T00:00:00.000000", "secret": "s", "status": "DONE", "transactionKey": "t", "orderId": id });
        assert_eq!(order(deposit).as_deref(), Some(id));
        for other in [
            json!({}),
            json!({ "eventType": "PAYMENT_STATUS_CHANGED" }),
            json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": null }),
            json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": "somebody-elses" } }),
            json!({ "eventType": "CANCEL_STATUS_CHANGED", "data": { "transactionKey": "t", "cancelStatus": "DONE" } }),
            json!({ "eventType": "BILLING_DELETED", "data": { "billingKey": "b" } }),
            json!({ "eventType": "BILLING_DELETED", "billingKey": "b" }),
            json!({ "eventType": "SOMETHING_NEW", "data": { "orderId": id } }),
        ] {
            assert_eq!(order(other.clone()), None, "{other}");
        }
    }
}
