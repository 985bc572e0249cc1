//! A payment as Toss tells it.

use std::{convert::Infallible, fmt, str::FromStr};

use domain::time::Time;
use serde_json::Value;
use url::Url;

use crate::reading::{self, Object};

/// A payment, in the members that matter here; Toss may add members at any time.
///
/// It is what Toss said, not what was asked: whether key, order and amount are the expected ones
/// is for the caller to compare. Source: <https://docs.tosspayments.com/reference#payment-객체>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Names the payment at Toss; at most 200 visible ASCII characters.
    pub payment_key: String,
    /// The merchant's name of the order.
    pub order_id: String,
    /// How far it is.
    pub status: Status,
    /// What was paid, in units of `currency`; cancelling does not change it.
    pub total_amount: i64,
    /// What is left after cancels. 0 means refunded in full, also when the status says in part.
    pub balance_amount: i64,
    /// ISO 4217, normally `KRW`.
    pub currency: String,
    /// How it was paid, in Korean: 카드, 가상계좌, 간편결제, …
    pub method: Option<String>,
    /// When the money was taken.
    pub approved_at: Option<Time>,
    /// Where the buyer's receipt is; http or https.
    pub receipt_url: Option<String>,
    /// Whether a part can be cancelled; unknown counts as no.
    pub is_partial_cancelable: bool,
    /// Names the last capture or cancel.
    pub last_transaction_key: Option<String>,
    /// What has been cancelled, in Toss's order.
    pub cancels: Vec<Cancel>,
    /// Why it was refused, if it was.
    pub failure: Option<PaymentFailure>,
    /// Proves that a webhook about this payment comes from Toss.
    pub secret: Option<PaymentSecret>,
    /// Where its money is to be paid in, if it is paid so.
    pub virtual_account: Option<VirtualAccount>,
}

/// The text is not a payment as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable payment: {0}")]
pub struct Unreadable(pub(crate) &'static str);

impl Payment {
    /// Reads a payment from JSON: the answer to a call, or `data` of a webhook.
    ///
    /// Key, order, status, both amounts and currency must be there and of their type. The rest
    /// counts as absent when it is malformed: a receipt must not keep a payment from being read.
    pub fn parse(json: &[u8]) -> Result<Self, Unreadable> {
        let value: Value = serde_json::from_slice(json).map_err(|_not_json| Unreadable("not JSON"))?;
        Self::from_value(&value)
    }

    /// The same from JSON that has been read.
    pub fn from_value(value: &Value) -> Result<Self, Unreadable> {
        let object = value.as_object().ok_or(Unreadable("not an object"))?;
        let payment_key = reading::text(object, "paymentKey", 200)
            .filter(|key| crate::is_payment_key(key))
            .ok_or(Unreadable("paymentKey"))?;
        Ok(Self {
            payment_key,
            order_id: reading::text(object, "orderId", 64).ok_or(Unreadable("orderId"))?,
            status: reading::text(object, "status", 64).map(Status::from).ok_or(Unreadable("status"))?,
            total_amount: reading::amount(object, "totalAmount").ok_or(Unreadable("totalAmount"))?,
            balance_amount: reading::amount(object, "balanceAmount").ok_or(Unreadable("balanceAmount"))?,
            currency: reading::text(object, "currency", 8).ok_or(Unreadable("currency"))?,
            method: reading::text(object, "method", 100),
            approved_at: reading::time(object, "approvedAt"),
            receipt_url: object.get("receipt").and_then(Value::as_object).and_then(receipt_url),
            is_partial_cancelable: object.get("isPartialCancelable").and_then(Value::as_bool).unwrap_or(false),
            last_transaction_key: reading::text(object, "lastTransactionKey", 64),
            cancels: cancels(object),
            failure: object.get("failure").and_then(Value::as_object).and_then(PaymentFailure::read),
            secret: reading::text(object, "secret", 50).map(PaymentSecret),
            virtual_account: object.get("virtualAccount").and_then(Value::as_object).and_then(VirtualAccount::read),
        })
    }

    /// Whether it was approved and nothing of it is left.
    pub fn is_fully_refunded(&self) -> bool {
        matches!(self.status, Status::Canceled | Status::PartialCanceled) && self.balance_amount == 0
    }
}

fn receipt_url(receipt: &Object) -> Option<String> {
    let url = reading::text(receipt, "url", 2_000)?;
    let scheme = Url::parse(&url).ok()?.scheme().to_owned();
    matches!(scheme.as_str(), "http" | "https").then_some(url)
}

fn cancels(payment: &Object) -> Vec<Cancel> {
    let list = payment.get("cancels").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object).filter_map(Cancel::read).collect()
}

/// One cancel of a payment, in full or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Names this cancel; unique at Toss, so usable as a key of ledger entries.
    pub transaction_key: String,
    /// How much was given back.
    pub amount: i64,
    /// When.
    pub canceled_at: Option<Time>,
}

impl Cancel {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            transaction_key: reading::text(object, "transactionKey", 64)?,
            amount: reading::amount(object, "cancelAmount")?,
            canceled_at: reading::time(object, "canceledAt"),
        })
    }
}

/// An account that was given out for one payment. Its number is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct VirtualAccount {
    /// Toss's two-digit code of the bank.
    pub bank_code: String,
    /// Digits; in test environments an `X` may stand before them.
    pub account_number: String,
    /// In whose name it was given out.
    pub holder: String,
    /// Until when the money may be paid in.
    pub due_date: Time,
}

impl VirtualAccount {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            bank_code: reading::text(object, "bankCode", 10)?,
            account_number: reading::text(object, "accountNumber", 40)?,
            holder: reading::text(object, "customerName", 200)?,
            due_date: reading::korean_time(object, "dueDate")?,
        })
    }
}

impl fmt::Debug for VirtualAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualAccount").field("due_date", &self.due_date).finish_non_exhaustive()
    }
}

/// Why a payment was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFailure {
    /// As in the table of errors.
    pub code: String,
    /// For the buyer, in Korean; may be empty.
    pub message: String,
}

impl PaymentFailure {
    fn read(object: &Object) -> Option<Self> {
        let message = reading::text(object, "message", 1_000).unwrap_or_default();
        Some(Self { code: reading::text(object, "code", 100)?, message })
    }
}

/// How far a payment is. Toss adds states without a new version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The window is open, nobody has authenticated.
    Ready,
    /// Authenticated; may be confirmed for ten minutes, and an earlier confirm may still land.
    InProgress,
    /// A virtual account was given out; the money has not come.
    WaitingForDeposit,
    /// The money has been taken.
    Done,
    /// Cancelled in full, at once.
    Canceled,
    /// Cancelled in parts, which may add up to all of it.
    PartialCanceled,
    /// Refused for good.
    Aborted,
    /// Nobody confirmed or paid in time.
    Expired,
    /// A state that is not known here.
    Unknown(String),
}

impl Status {
    /// As Toss writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ready => "READY",
            Self::InProgress => "IN_PROGRESS",
            Self::WaitingForDeposit => "WAITING_FOR_DEPOSIT",
            Self::Done => "DONE",
            Self::Canceled => "CANCELED",
            Self::PartialCanceled => "PARTIAL_CANCELED",
            Self::Aborted => "ABORTED",
            Self::Expired => "EXPIRED",
            Self::Unknown(text) => text,
        }
    }
}

impl From<String> for Status {
    fn from(text: String) -> Self {
        match text.as_str() {
            "READY" => Self::Ready,
            "IN_PROGRESS" => Self::InProgress,
            "WAITING_FOR_DEPOSIT" => Self::WaitingForDeposit,
            "DONE" => Self::Done,
            "CANCELED" => Self::Canceled,
            "PARTIAL_CANCELED" => Self::PartialCanceled,
            "ABORTED" => Self::Aborted,
            "EXPIRED" => Self::Expired,
            _ => Self::Unknown(text),
        }
    }
}

impl FromStr for Status {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text.to_owned()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What Toss repeats in every webhook about a payment. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentSecret(String);

impl PaymentSecret {
    /// The text, to be stored with the payment.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `given` is it, in a time that does not tell how much of it is right.
    pub fn is(&self, given: &str) -> bool {
        self.0.len() == given.len()
            && self.0.bytes().zip(given.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

impl fmt::Debug for PaymentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "version": "2022-11-16", "paymentKey": "pay_1", "type": "NORMAL", "orderId": "order-1", "mId": "tosspayments",
            "currency": "KRW", "method": "카드", "totalAmount": 10_000.0, "balanceAmount": 4_000, "status": "PARTIAL_CANCELED",
            "approvedAt": "2026-11-23T09:00:00+09:00", "isPartialCancelable": true, "lastTransactionKey": "tx_2",
            "receipt": { "url": "https://dashboard.tosspayments.com/receipt" }, "secret": "ps_1", "newMember": [1, 2],
            "cancels": [{ "transactionKey": "tx_2", "cancelAmount": 6_000, "canceledAt": "2026-11-23T10:00:00+09:00" }, "odd"],
            "failure": null,
        })
    }

    #[test]
    fn a_payment_is_read() {
        let payment = Payment::from_value(&whole()).unwrap();
        assert_eq!((payment.total_amount, payment.balance_amount), (10_000, 4_000));
        assert_eq!(payment.status, Status::PartialCanceled);
        assert_eq!(payment.approved_at.unwrap().to_string(), "2026-11-23T00:00:00.000Z");
        assert_eq!(payment.cancels.len(), 1);
        assert!(payment.secret.as_ref().unwrap().is("ps_1"));
        assert!(!payment.secret.as_ref().unwrap().is("ps_2"));
        assert!(!format!("{payment:?}").contains("ps_1"));
    }

    #[test]
    fn a_virtual_account_is_read_whole_or_not_at_all_and_not_printed() {
        let account = json!({ "bankCode": "20", "accountNumber": "X1234567890123", "customerName": "김개발", "dueDate": "2026-11-24T09:00:00" });
        for (member, due) in [
            ("2026-11-24T09:00:00", "2026-11-24T00:00:00.000Z"),
            ("2026-11-24T09:00:00+00:00", "2026-11-24T09:00:00.000Z"),
        ] {
            let mut value = whole();
            value["virtualAccount"] = account.clone();
            value["virtualAccount"]["dueDate"] = json!(member);
            let payment = Payment::from_value(&value).unwrap();
            assert_eq!(payment.virtual_account.as_ref().unwrap().due_date.to_string(), due);
            assert!(!format!("{payment:?}").contains("1234567890123"));
        }
        for name in ["bankCode", "accountNumber", "customerName", "dueDate"] {
            let mut value = whole();
            value["virtualAccount"] = account.clone();
            value["virtualAccount"][name] = json!("");
            assert_eq!(Payment::from_value(&value).unwrap().virtual_account, None, "{name}");
        }
    }

    #[test]
    fn what_decides_must_be_there_and_whole() {
        for name in ["paymentKey", "orderId", "status", "totalAmount", "balanceAmount", "currency"] {
            for bad in [None, Some(json!(null)), Some(json!({})), Some(json!("")), Some(json!(0.5))] {
                let mut value = whole();
                let object = value.as_object_mut().unwrap();
                match bad {
                    None => object.remove(name),
                    Some(bad) => object.insert(name.to_owned(), bad),
                };
                assert_eq!(Payment::from_value(&value), Err(Unreadable(name)));
            }
        }
    }

    #[test]
    fn what_does_not_decide_may_be_malformed() {
        let mut value = whole();
        for name in [
            "method", "approvedAt", "receipt", "isPartialCancelable", "lastTransactionKey", "cancels", "secret",
            "failure",
        ] {
            value.as_object_mut().unwrap().insert(name.to_owned(), json!(["odd", 1]));
        }
        let payment = Payment::from_value(&value).unwrap();
        assert_eq!((payment.receipt_url, payment.approved_at, payment.is_partial_cancelable), (None, None, false));
    }

    #[test]
    fn a_receipt_is_on_the_web_or_nowhere() {
        let mut value = whole();
        value.as_object_mut().unwrap().insert("receipt".to_owned(), json!({ "url": "javascript:alert(1)" }));
        assert_eq!(Payment::from_value(&value).unwrap().receipt_url, None);
    }

    #[test]
    fn states_are_written_as_they_are_read() {
        for text in [
            "READY", "IN_PROGRESS", "WAITING_FOR_DEPOSIT", "DONE", "CANCELED", "PARTIAL_CANCELED", "ABORTED",
            "EXPIRED", "NEW_ONE",
        ] {
            let status: Status = text.parse().unwrap();
            assert_eq!(status.as_str(), text);
            assert_eq!(matches!(status, Status::Unknown(_)), text == "NEW_ONE");
        }
    }

    #[test]
    fn refunded_in_full_is_judged_by_the_balance() {
        let mut value = whole();
        assert!(!Payment::from_value(&value).unwrap().is_fully_refunded());
        value.as_object_mut().unwrap().insert("balanceAmount".to_owned(), json!(0));
        assert!(Payment::from_value(&value).unwrap().is_fully_refunded());
    }
}
