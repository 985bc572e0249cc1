//! Bugs planted on the wire: what the product would do if one of its guards had been forgotten.

use bytes::Bytes;
use clap::ValueEnum;
use serde_json::{Value, json};
use testkit::Call;

/// A guard that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Bug {
    /// Seats are taken without looking whether there are any.
    SeatUnchecked,
    /// A confirmation begins whatever has become of the order.
    ConfirmUnchecked,
    /// An order is settled whatever has become of it.
    SettleUnchecked,
    /// Nobody looks whether the product was bought before.
    PurchaseUnchecked,
    /// Nobody looks whether another order of the product is open.
    OpenOrderUnchecked,
    /// Every cancel at Toss is sent under a new key, and without the balance that it expects.
    RefundWithoutKey,
    /// The sweeper lets go of orders that are being confirmed.
    ConfirmingExpires,
    /// A hold is let go without looking whether it was before.
    ReleaseUnchecked,
    /// A refund begins and ends without looking at its order.
    RefundUnchecked,
    /// A line's seat goes back whatever has become of the refund.
    SeatBackTwice,
    /// The amount is compared with what the client says.
    AmountUnchecked,
    /// An order is settled before it is charged.
    SettleBeforeCharge,
    /// A refusal is believed whatever payment it was about.
    RefusalUntied,
    /// Sales are not entered into the ledger.
    SaleUnentered,
    /// Whoever gives a seat back stays a member.
    MembershipKept,
    /// A charge that must not stand is let go without being cancelled.
    VoidUnfinished,
}

const SWEEPER: &str = "order_sweeper";
const RECONCILER: &str = "payment_reconciler";

impl Bug {
    /// Changes a call as the forgotten guard would.
    pub fn alter(self, call: &mut Call) {
        let writes = call.operation == "TransactWriteItems";
        let settles = writes && call.mentions("\"PURCHASE#") && call.by != "create_order" && call.by != "cancel_order";
        match self {
            Self::SeatUnchecked if call.by == "create_order" => call.strip_conditions("SEATS#"),
            Self::ConfirmUnchecked if call.by == "confirm_payment" && call.mentions("PAYMENT_KEY#") => {
                call.strip_conditions("ORDER#");
            }
            Self::SettleUnchecked if settles => call.strip_conditions(""),
            Self::PurchaseUnchecked if call.by == "create_order" => {
                call.strip_conditions("PURCHASE#");
                unread(call, "PURCHASE#");
            }
            Self::OpenOrderUnchecked if call.by == "create_order" => {
                call.strip_conditions("OPEN#");
                unread(call, "OPEN#");
            }
            Self::ConfirmingExpires if call.by == SWEEPER => call.strip_conditions("ORDER#"),
            Self::ReleaseUnchecked
                if writes && matches!(call.by, SWEEPER | RECONCILER | "cancel_order" | "fail_payment") =>
            {
                call.strip_conditions("ORDER#");
                call.strip_conditions("SEATS#");
            }
            Self::RefundUnchecked | Self::SeatBackTwice if writes && call.mentions("REFUND#") => {
                call.strip_conditions("ORDER#");
                if self == Self::SeatBackTwice {
                    call.strip_conditions("SEATS#");
                }
            }
            Self::RefusalUntied if writes && call.mentions("refusedKeys") => call.strip_conditions("ORDER#"),
            Self::SaleUnentered if settles => drop_writes(call, "LEDGER#SALE"),
            Self::MembershipKept if writes && matches!(call.by, RECONCILER | "cancel_order") => {
                drop_deletes(call, "BUYER#");
            }
            _ => {}
        }
    }

    /// Changes an answer as the forgotten guard would have it.
    /// `amount` is what the client says is to be paid.
    pub fn alter_answer(self, call: &Call, amount: Option<i64>, answer: (u16, String)) -> (u16, String) {
        if self == Self::ConfirmingExpires && call.by == SWEEPER && call.operation == "Query" {
            return (answer.0, answer.1.replace("CONFIRMING", "PENDING"));
        }
        let reads_order = call.operation == "GetItem" && call.mentions("\"ORDER\"") && answer.0 == 200;
        if !reads_order {
            return answer;
        }
        let Ok(mut json) = serde_json::from_str::<Value>(&answer.1) else { return answer };
        match self {
            Self::ConfirmingExpires if call.by == SWEEPER && json["Item"]["state"]["S"] == "CONFIRMING" => {
                json["Item"]["state"]["S"] = json!("PENDING");
            }
            Self::AmountUnchecked if call.by == "confirm_payment" && json.get("Item").is_some() => {
                let Some(amount) = amount else { return answer };
                json["Item"]["total"]["N"] = json!(amount.to_string());
            }
            _ => return answer,
        }
        (answer.0, json.to_string())
    }

    /// Changes what is sent to Toss.
    pub fn alter_toss(self, request: http::Request<Bytes>, n: u64) -> http::Request<Bytes> {
        if self != Self::RefundWithoutKey || !request.uri().path().ends_with("/cancel") {
            return request;
        }
        let (mut parts, body) = request.into_parts();
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(body) = body.as_object_mut() {
            body.remove("refundableAmount");
        }
        if let Ok(key) = format!("send-{n}-{}", parts.uri.path().len()).parse() {
            parts.headers.insert("idempotency-key", key);
        }
        parts.headers.remove(http::header::CONTENT_LENGTH);
        http::Request::from_parts(parts, body.to_string().into())
    }

    /// Whether Toss's answers are made up.
    pub fn fakes(self, request: &http::Request<Bytes>) -> bool {
        match self {
            Self::SettleBeforeCharge => request.uri().path().ends_with("/confirm"),
            Self::VoidUnfinished => {
                request.uri().path().ends_with("/cancel")
                    && request.headers().get("idempotency-key").is_some_and(|key| key.as_bytes().starts_with(b"void:"))
            }
            _ => false,
        }
    }

    /// An answer that Toss never gave.
    pub fn fake(self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let path = request.uri().path();
        let key = path.split('/').nth(3).unwrap_or_default();
        let done = self == Self::SettleBeforeCharge;
        let payment = json!({
            "paymentKey": if done { asked["paymentKey"].clone() } else { json!(key) },
            "orderId": if done { asked["orderId"].clone() } else { json!("unknown") },
            "status": if done { "DONE" } else { "CANCELED" }, "currency": "KRW", "method": "카드",
            "totalAmount": if done { asked["amount"].clone() } else { json!(1) },
            "balanceAmount": if done { asked["amount"].clone() } else { json!(0) },
        });
        http::Response::new(payment.to_string().into())
    }
}

/// Leaves keys out of a batch, so that what they name is not seen.
fn unread(call: &mut Call, text: &str) {
    if call.operation != "BatchGetItem" {
        return;
    }
    for asked in call.body["RequestItems"].as_object_mut().into_iter().flat_map(|tables| tables.values_mut()) {
        if let Some(keys) = asked["Keys"].as_array_mut() {
            keys.retain(|key| !key.to_string().contains(text));
        }
    }
}

fn drop_writes(call: &mut Call, text: &str) {
    if let Some(writes) = call.body["TransactItems"].as_array_mut() {
        writes.retain(|write| !write["Put"]["Item"]["sk"].to_string().contains(text));
    }
}

fn drop_deletes(call: &mut Call, text: &str) {
    if let Some(writes) = call.body["TransactItems"].as_array_mut() {
        writes.retain(|write| !write["Delete"]["Key"]["sk"].to_string().contains(text));
    }
}
