//! What an answer that is no payment means for the next step.

use http::StatusCode;
use serde_json::Value;

use crate::{reading, transport::NoAnswer};

/// Why a call brought no result, told by what may follow.
///
/// Only [`Failure::Refused`] is final. Statuses and codes:
/// <https://docs.tosspayments.com/reference/error-codes>; which codes are final is decided here:
///
/// - confirm: `REJECT_*`, `EXCEED_*`, `INVALID_CARD_*`, `BELOW_MINIMUM_AMOUNT`,
///   `NOT_FOUND_PAYMENT_SESSION`, and the codes that name the buyer's card, account, password or
///   bank hours (`INVALID_REJECT_CARD`, `INVALID_STOPPED_CARD`, `INVALID_PASSWORD`,
///   `NOT_AVAILABLE_BANK`, `NOT_AVAILABLE_PAYMENT`, `FDS_ERROR`);
/// - cancel: a closed list, since a refund that is wrongly held for refused is paid twice;
/// - any other code, listed or not: nothing is known, so [`Failure::AnsweredUnknown`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Final: nothing was charged or given back, and this key will never do it. The message is
    /// Toss's, for the buyer, in Korean; at most 500 characters, possibly empty.
    #[error("refused by Toss: {code}")]
    Refused {
        /// Toss's code.
        code: String,
        /// Toss's sentence.
        message: String,
    },
    /// An earlier request is being worked on. Wait, then send the same key again; never a new attempt.
    #[error("Toss is still working on it: {code}")]
    StillProcessing {
        /// Toss's code.
        code: String,
    },
    /// Answered, and the answer says nothing about the money. Toss repeats it for this key for 15
    /// days, so: read the payment; a new attempt only if it has not moved.
    #[error("the outcome at Toss is unknown: {code}")]
    AnsweredUnknown {
        /// Toss's code.
        code: String,
    },
    /// Time-out, broken connection, 5xx or an unreadable answer. Send the same key again.
    #[error("no usable answer from Toss: {cause}")]
    NoAnswer {
        /// For the log; without keys.
        cause: String,
    },
    /// Toss does not accept our credentials. An operator must look; nothing is known about the
    /// money, so it is not final.
    #[error("Toss refuses our credentials: {code}")]
    Misconfigured {
        /// Toss's code.
        code: String,
    },
    /// Queries only: Toss knows no such payment.
    #[error("Toss knows no such payment")]
    NotFound,
    /// Cancels only: it had been cancelled before. Read the payment and judge by its balance.
    #[error("already cancelled at Toss: {code}")]
    AlreadyCanceled {
        /// Toss's code.
        code: String,
    },
    /// Cancels only: the balance is not what the request assumed. Read the payment: where its
    /// balance shows the refund, it is done.
    #[error("the balance at Toss is another: {code}")]
    BalanceMoved {
        /// Toss's code.
        code: String,
    },
    /// Never sent, because the protocol cannot carry it. Nothing happened and nothing will.
    #[error("cannot be sent to Toss: {0}")]
    Unsendable(&'static str),
}

impl Failure {
    /// Whether this call, by itself, settles that no money moved and none will.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Unsendable(_))
    }
}

impl From<NoAnswer> for Failure {
    fn from(none: NoAnswer) -> Self {
        Self::NoAnswer { cause: none.cause().to_owned() }
    }
}

/// What was asked: the same code means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Confirm,
    Query,
    Cancel,
}

/// Classifies an answer whose status is not 200.
pub(crate) fn classify(operation: Operation, status: StatusCode, body: &[u8]) -> Failure {
    if !status.is_client_error() {
        return Failure::NoAnswer { cause: format!("status {}", status.as_u16()) };
    }
    let Some((code, message)) = error(body) else {
        return Failure::NoAnswer { cause: format!("status {} without an error of Toss", status.as_u16()) };
    };
    match code.as_str() {
        "IDEMPOTENT_REQUEST_PROCESSING" | "FORBIDDEN_CONSECUTIVE_REQUEST" => return Failure::StillProcessing { code },
        "UNAUTHORIZED_KEY" | "INVALID_API_KEY" | "INCORRECT_BASIC_AUTH_FORMAT" | "FORBIDDEN_REQUEST" => {
            return Failure::Misconfigured { code };
        }
        _ => {}
    }
    match operation {
        Operation::Confirm if refuses_confirm(&code) => Failure::Refused { code, message },
        Operation::Cancel => classify_cancel(code, message),
        Operation::Query
            if status == StatusCode::NOT_FOUND && matches!(code.as_str(), "NOT_FOUND_PAYMENT" | "NOT_FOUND") =>
        {
            Failure::NotFound
        }
        Operation::Confirm | Operation::Query => Failure::AnsweredUnknown { code },
    }
}

fn refuses_confirm(code: &str) -> bool {
    ["REJECT_", "EXCEED_", "INVALID_CARD_"].iter().any(|family| code.starts_with(family))
        || matches!(
            code,
            "BELOW_MINIMUM_AMOUNT"
                | "NOT_FOUND_PAYMENT_SESSION"
                | "INVALID_REJECT_CARD"
                | "INVALID_STOPPED_CARD"
                | "INVALID_PASSWORD"
                | "NOT_AVAILABLE_BANK"
                | "NOT_AVAILABLE_PAYMENT"
                | "FDS_ERROR"
        )
}

fn classify_cancel(code: String, message: String) -> Failure {
    match code.as_str() {
        "ALREADY_CANCELED_PAYMENT" | "ALREADY_REFUND_PAYMENT" => Failure::AlreadyCanceled { code },
        // More than is left was asked for: somebody else has given part of it back.
        "NOT_MATCHES_REFUNDABLE_AMOUNT" | "NOT_CANCELABLE_AMOUNT" => Failure::BalanceMoved { code },
        "INVALID_REFUND_ACCOUNT_INFO"
        | "INVALID_REFUND_ACCOUNT_NUMBER"
        | "INVALID_BANK"
        | "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT"
        | "REFUND_REJECTED"
        | "FORBIDDEN_BANK_REFUND_REQUEST"
        | "NOT_CANCELABLE_PAYMENT"
        | "EXCEED_MAX_REFUND_DUE"
        | "NOT_ALLOWED_PARTIAL_REFUND"
        | "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"
        | "NOT_AVAILABLE_BANK"
        | "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER"
        | "EXCEED_CANCEL_LIMIT" => Failure::Refused { code, message },
        _ => Failure::AnsweredUnknown { code },
    }
}

/// Code and message of an error body, `{code, message}`.
fn error(body: &[u8]) -> Option<(String, String)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object()?;
    let code = reading::text(object, "code", 100).filter(|code| code.bytes().all(|byte| byte.is_ascii_graphic()))?;
    let message = object.get("message").and_then(Value::as_str).unwrap_or_default();
    Some((code, message.chars().take(500).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(operation: Operation, status: u16, code: &str) -> &'static str {
        let body = format!(r#"{{"code":"{code}","message":"안내"}}"#);
        match classify(operation, StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            Failure::Refused { message, .. } => {
                assert_eq!(message, "안내");
                "refused"
            }
            Failure::StillProcessing { .. } => "wait",
            Failure::AnsweredUnknown { .. } => "ask",
            Failure::NoAnswer { .. } => "again",
            Failure::Misconfigured { .. } => "alarm",
            Failure::NotFound => "not found",
            Failure::AlreadyCanceled { .. } => "already",
            Failure::BalanceMoved { .. } => "moved",
            Failure::Unsendable(_) => "unsendable",
        }
    }

    #[test]
    fn every_listed_code_of_confirm() {
        let table = [
            (400, "ALREADY_PROCESSED_PAYMENT", "ask"),
            (400, "PROVIDER_ERROR", "ask"),
            (400, "EXCEED_MAX_CARD_INSTALLMENT_PLAN", "refused"),
            (400, "INVALID_REQUEST", "ask"),
            (400, "INVALID_API_KEY", "alarm"),
            (400, "INVALID_REJECT_CARD", "refused"),
            (400, "BELOW_MINIMUM_AMOUNT", "refused"),
            (400, "INVALID_CARD_EXPIRATION", "refused"),
            (400, "INVALID_STOPPED_CARD", "refused"),
            (400, "EXCEED_MAX_DAILY_PAYMENT_COUNT", "refused"),
            (400, "EXCEED_MAX_PAYMENT_AMOUNT", "refused"),
            (400, "EXCEED_MAX_AMOUNT", "refused"),
            (400, "UNAPPROVED_ORDER_ID", "ask"),
            (400, "CARD_PROCESSING_ERROR", "ask"),
            (400, "NOT_AVAILABLE_PAYMENT", "refused"),
            (400, "INVALID_IDEMPOTENCY_KEY", "ask"),
            (401, "UNAUTHORIZED_KEY", "alarm"),
            (403, "REJECT_ACCOUNT_PAYMENT", "refused"),
            (403, "REJECT_CARD_PAYMENT", "refused"),
            (403, "REJECT_CARD_COMPANY", "refused"),
            (403, "FORBIDDEN_REQUEST", "alarm"),
            (403, "EXCEED_MAX_AUTH_COUNT", "refused"),
            (403, "EXCEED_MAX_ONE_DAY_AMOUNT", "refused"),
            (403, "NOT_AVAILABLE_BANK", "refused"),
            (403, "INVALID_PASSWORD", "refused"),
            (403, "INCORRECT_BASIC_AUTH_FORMAT", "alarm"),
            (403, "FDS_ERROR", "refused"),
            (403, "FORBIDDEN_CONSECUTIVE_REQUEST", "wait"),
            (404, "NOT_FOUND_PAYMENT", "ask"),
            (404, "NOT_FOUND_PAYMENT_SESSION", "refused"),
            (409, "IDEMPOTENT_REQUEST_PROCESSING", "wait"),
            (500, "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "again"),
            (500, "FAILED_INTERNAL_SYSTEM_PROCESSING", "again"),
            (500, "UNKNOWN_PAYMENT_ERROR", "again"),
            (500, "REJECT_CARD_COMPANY", "again"),
            (302, "REJECT_CARD_COMPANY", "again"),
            (400, "INVENTED_NEXT_YEAR", "ask"),
            (429, "TOO_MANY_REQUESTS", "ask"),
        ];
        for (status, code, expected) in table {
            assert_eq!(class(Operation::Confirm, status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn every_listed_code_of_cancel() {
        let table = [
            (400, "ALREADY_CANCELED_PAYMENT", "already"),
            (400, "INVALID_REFUND_ACCOUNT_INFO", "refused"),
            (400, "INVALID_REFUND_ACCOUNT_NUMBER", "refused"),
            (400, "INVALID_BANK", "refused"),
            (400, "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT", "refused"),
            (400, "NOT_MATCHES_REFUNDABLE_AMOUNT", "moved"),
            (400, "PROVIDER_ERROR", "ask"),
            (400, "REFUND_REJECTED", "refused"),
            (400, "ALREADY_REFUND_PAYMENT", "already"),
            (400, "FORBIDDEN_BANK_REFUND_REQUEST", "refused"),
            (400, "INVALID_REQUEST", "ask"),
            (401, "UNAUTHORIZED_KEY", "alarm"),
            (403, "NOT_CANCELABLE_AMOUNT", "moved"),
            (403, "NOT_CANCELABLE_PAYMENT", "refused"),
            (403, "FORBIDDEN_CONSECUTIVE_REQUEST", "wait"),
            (403, "FORBIDDEN_REQUEST", "alarm"),
            (403, "EXCEED_MAX_REFUND_DUE", "refused"),
            (403, "NOT_ALLOWED_PARTIAL_REFUND", "refused"),
            (403, "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT", "refused"),
            (403, "NOT_AVAILABLE_BANK", "refused"),
            (403, "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER", "refused"),
            (403, "EXCEED_CANCEL_LIMIT", "refused"),
            (403, "REJECT_CARD_COMPANY", "ask"),
            (404, "NOT_FOUND_PAYMENT", "ask"),
            (409, "IDEMPOTENT_REQUEST_PROCESSING", "wait"),
            (500, "FAILED_INTERNAL_SYSTEM_PROCESSING", "again"),
            (500, "FAILED_REFUND_PROCESS", "again"),
            (500, "FAILED_PARTIAL_REFUND", "again"),
            (500, "FAILED_METHOD_HANDLING_CANCEL", "again"),
            (500, "COMMON_ERROR", "again"),
            (500, "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "again"),
            (400, "INVENTED_NEXT_YEAR", "ask"),
        ];
        for (status, code, expected) in table {
            assert_eq!(class(Operation::Cancel, status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn every_listed_code_of_queries() {
        let table = [
            (403, "FORBIDDEN_CONSECUTIVE_REQUEST", "wait"),
            (404, "NOT_FOUND_PAYMENT", "not found"),
            (404, "NOT_FOUND", "not found"),
            (400, "NOT_FOUND", "ask"),
            (401, "UNAUTHORIZED_KEY", "alarm"),
            (404, "NOT_FOUND_PAYMENT_SESSION", "ask"),
            (403, "REJECT_CARD_COMPANY", "ask"),
            (503, "NOT_FOUND", "again"),
        ];
        for (status, code, expected) in table {
            assert_eq!(class(Operation::Query, status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn an_error_without_a_code_is_no_answer() {
        for body in
            ["", "<html>", "{}", "[]", r#"{"code":1}"#, r#"{"code":""}"#, r#"{"code":"A B"}"#, r#"{"code":"카드"}"#]
        {
            let failure = classify(Operation::Confirm, StatusCode::NOT_FOUND, body.as_bytes());
            assert!(matches!(failure, Failure::NoAnswer { .. }), "{body}");
        }
    }
}
