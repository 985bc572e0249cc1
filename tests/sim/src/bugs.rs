//! Bugs planted on the wire: what the product would do if one of its guards had been forgotten.

use bytes::Bytes;
use clap::ValueEnum;
use serde_json::{Value, json};
use testkit::Call;

use crate::faults::Step;

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
    /// Whoever confirms counts attempts of their own.
    AttemptsOfEachOwn,
    /// A confirmation that is still being worked on counts as answered.
    ProcessingIsAnAnswer,
    /// A payment that was cancelled before counts as refused.
    CancelledIsRefused,
    /// A refund's refusal is believed whatever attempt it was about.
    RefundRefusalUntied,
    /// A void is asked for again under the same key.
    VoidKeyKept,
    /// A payment that was refused may be confirmed again.
    RefusedIsForgotten,
    /// A claim is ordered without looking whether it still is one.
    ClaimUntied,
    /// A waitlist ends without looking whether somebody waits.
    ListEndsUnchecked,
    /// Nobody but who ends the last place ends the list.
    ListForgotten,
    /// Whoever leaves the waitlist keeps the guard of their place.
    WaiterKept,
    /// A seat that waits for a deposit is let go without taking the account back.
    AccountKept,
    /// A deposit counts as soon as it is waited for.
    DepositAssumed,
    /// Nobody listens when Toss tells that money went back.
    ConsoleUnheard,
    /// A charge is cancelled without looking at its order.
    StrayUnlooked,
    /// A refund that has ended keeps the account that it went to.
    RefundAccountKept,
}

const SWEEPER: &str = "order_sweeper";
const RECONCILER: &str = "payment_reconciler";

impl Bug {
    /// Changes a call as the forgotten guard would.
    pub fn alter(self, call: &mut Call) {
        let writes = matches!(call.operation.as_str(), "TransactWriteItems" | "UpdateItem");
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
            Self::MembershipKept => drop_deletes(call, "BUYER#"),
            Self::RefundRefusalUntied if call.mentions("REFUND#") && call.mentions("REFUSED") => {
                call.strip_conditions("ORDER#");
            }
            Self::ClaimUntied if call.by == "create_order" => call.strip_conditions("WAIT#"),
            Self::ListEndsUnchecked => call.strip_conditions("WAITLIST"),
            Self::StrayUnlooked if call.by == RECONCILER && call.mentions("nextLookAt") => {
                call.strip_conditions("ORDER#");
            }
            Self::ListForgotten => unlist(call),
            Self::WaiterKept => drop_deletes(call, "WAITER#"),
            Self::RefundAccountKept if writes => keep(call, "accountCipher"),
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
            Self::StrayUnlooked if call.by == RECONCILER && json["Item"]["state"]["S"] == "CONFIRMING" => {
                json["Item"]["state"]["S"] = json!("FAILED");
            }
            Self::RefusedIsForgotten if call.by == "confirm_payment" && json["Item"].get("refusedKeys").is_some() => {
                json["Item"]["refusedKeys"]["L"] = json!([]);
            }
            _ => return answer,
        }
        (answer.0, json.to_string())
    }

    /// Changes a message on its way into a queue.
    pub fn alter_message(self, call: &mut Call) {
        if self == Self::ConsoleUnheard
            && let Some(Value::String(body)) = call.body.get_mut("MessageBody")
        {
            *body = body.replace("\"undone\":true", "\"undone\":false");
        }
    }

    /// Changes what is sent to Toss.
    pub fn alter_toss(self, mut request: http::Request<Bytes>, step: &Step) -> http::Request<Bytes> {
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let other = match self {
            Self::RefundWithoutKey if request.uri().path().ends_with("/cancel") => format!("send-{step}"),
            Self::AttemptsOfEachOwn if key.starts_with("confirm:") => format!("{key}:{}", step.actor),
            Self::VoidKeyKept if key.starts_with("void:") => {
                format!("{}:1", key.rsplit_once(':').map_or(key, |(order, _)| order))
            }
            _ => return request,
        };
        request.headers_mut().insert("idempotency-key", other.replace('#', "-").parse().unwrap());
        if self == Self::RefundWithoutKey {
            let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            body.as_object_mut().map(|body| body.remove("refundableAmount"));
            request.headers_mut().remove(http::header::CONTENT_LENGTH);
            *request.body_mut() = body.to_string().into();
        }
        request
    }

    /// Changes how Toss's answer to a call of `path` is understood.
    pub fn alter_toss_answer(self, path: &str, answer: http::Response<Bytes>) -> http::Response<Bytes> {
        if self == Self::DepositAssumed {
            let assumed = |body: Bytes| String::from_utf8_lossy(&body).replace("WAITING_FOR_DEPOSIT", "DONE").into();
            return if path.ends_with("/confirm") { answer } else { answer.map(assumed) };
        }
        let (from, to) = match self {
            Self::ProcessingIsAnAnswer | Self::RefundRefusalUntied => {
                (["IDEMPOTENT_REQUEST_PROCESSING", "FORBIDDEN_CONSECUTIVE_REQUEST"], "PROVIDER_ERROR")
            }
            Self::CancelledIsRefused => {
                (["ALREADY_CANCELED_PAYMENT", "NOT_MATCHES_REFUNDABLE_AMOUNT"], "REFUND_REJECTED")
            }
            _ => return answer,
        };
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        if !from.iter().any(|code| body.contains(code)) || !(path.ends_with("/confirm") || path.ends_with("/cancel")) {
            return answer;
        }
        let altered = from.iter().fold(body, |body, code| body.replace(code, to));
        let mut altered = http::Response::new(altered.into());
        *altered.status_mut() = http::StatusCode::BAD_REQUEST;
        altered
    }

    /// Whether Toss's answers are made up.
    pub fn fakes(self, request: &http::Request<Bytes>) -> bool {
        match self {
            Self::SettleBeforeCharge => request.uri().path().ends_with("/confirm"),
            Self::VoidUnfinished => {
                let key = request.headers().get("idempotency-key").map_or(&b""[..], http::HeaderValue::as_bytes);
                // The second is sent by whoever finds that the first had no effect.
                request.uri().path().ends_with("/cancel") && (key.starts_with(b"void:") || key.starts_with(b"stray:"))
            }
            Self::AccountKept => {
                let key = request.headers().get("idempotency-key").map_or(&b""[..], http::HeaderValue::as_bytes);
                request.uri().path().ends_with("/cancel") && key.starts_with(b"deposit:")
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

/// Lets updates remove something else than an attribute.
fn keep(call: &mut Call, attribute: &str) {
    let updates = call.body["TransactItems"].as_array_mut().into_iter().flatten();
    for name in updates.filter_map(|write| write.pointer_mut("/Update/ExpressionAttributeNames")?.as_object_mut()) {
        name.values_mut().filter(|name| **name == attribute).for_each(|name| *name = json!("nothing"));
    }
}

/// Takes waitlists out of the index of what is due.
fn unlist(call: &mut Call) {
    let puts = call.body["TransactItems"].as_array_mut().into_iter().flatten();
    for item in puts.filter_map(|write| write.pointer_mut("/Put/Item")?.as_object_mut()) {
        if item["sk"]["S"] == "WAITLIST" {
            item.retain(|name, _| !name.starts_with("gsi1"));
        }
    }
}
