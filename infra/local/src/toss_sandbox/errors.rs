//! The errors of the stand-in: `{code, message}` with the status that Toss gives the code.
//!
//! Source: <https://docs.tosspayments.com/reference/error-codes>. The sentences are our own.

use serde_json::{Value, json};

/// An error as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: u16,
    pub code: String,
}

impl ApiError {
    /// The error that `code` names; a code that the table does not know is a 400.
    pub fn of(code: &str) -> Self {
        Self { status: status_of(code), code: code.to_owned() }
    }

    pub fn message(&self) -> &'static str {
        message_of(&self.code)
    }

    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message() })
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "UNAUTHORIZED_KEY" => 401,
        "REJECT_ACCOUNT_PAYMENT"
        | "REJECT_CARD_PAYMENT"
        | "REJECT_CARD_COMPANY"
        | "FORBIDDEN_REQUEST"
        | "FORBIDDEN_CONSECUTIVE_REQUEST"
        | "EXCEED_MAX_AUTH_COUNT"
        | "EXCEED_MAX_ONE_DAY_AMOUNT"
        | "EXCEED_MAX_REFUND_DUE"
        | "EXCEED_CANCEL_LIMIT"
        | "NOT_AVAILABLE_BANK"
        | "NOT_CANCELABLE_AMOUNT"
        | "NOT_CANCELABLE_PAYMENT"
        | "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER"
        | "NOT_ALLOWED_PARTIAL_REFUND"
        | "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"
        | "INVALID_PASSWORD"
        | "INCORRECT_BASIC_AUTH_FORMAT"
        | "FDS_ERROR" => 403,
        "NOT_FOUND" | "NOT_FOUND_PAYMENT" | "NOT_FOUND_PAYMENT_SESSION" => 404,
        "IDEMPOTENT_REQUEST_PROCESSING" => 409,
        "COMMON_ERROR" | "UNKNOWN_PAYMENT_ERROR" => 500,
        failed if failed.starts_with("FAILED_") => 500,
        _ => 400,
    }
}

fn message_of(code: &str) -> &'static str {
    match code {
        "UNAUTHORIZED_KEY" => "인증할 수 없는 키입니다.",
        "INCORRECT_BASIC_AUTH_FORMAT" => "인증 헤더에 ':'가 빠졌습니다.",
        "INVALID_API_KEY" => "클라이언트 키와 시크릿 키가 짝이 아닙니다.",
        "INVALID_REQUEST" => "요청이 올바르지 않습니다.",
        "INVALID_IDEMPOTENCY_KEY" => "멱등키는 300자까지 쓸 수 있습니다.",
        "IDEMPOTENT_REQUEST_PROCESSING" => "같은 멱등키의 요청을 처리하고 있습니다.",
        "ALREADY_PROCESSED_PAYMENT" => "이미 처리한 결제입니다.",
        "ALREADY_CANCELED_PAYMENT" => "이미 취소한 결제입니다.",
        "NOT_FOUND" | "NOT_FOUND_PAYMENT" => "찾을 수 없는 결제입니다.",
        "NOT_FOUND_PAYMENT_SESSION" => "결제 시간이 지나 진행할 수 없습니다.",
        "NOT_MATCHES_REFUNDABLE_AMOUNT" => "남은 금액이 요청과 다릅니다.",
        "NOT_CANCELABLE_AMOUNT" => "취소할 수 있는 금액보다 큽니다.",
        "NOT_CANCELABLE_PAYMENT" => "취소할 수 없는 결제입니다.",
        "NOT_ALLOWED_PARTIAL_REFUND" | "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT" => "일부만 취소할 수 없습니다.",
        "INVALID_REFUND_ACCOUNT_INFO" => "환불받을 계좌가 필요합니다.",
        "BELOW_MINIMUM_AMOUNT" => "결제할 수 있는 최소 금액보다 작습니다.",
        "REJECT_CARD_COMPANY" | "REJECT_CARD_PAYMENT" => "카드사에서 결제를 거절했습니다.",
        "REJECT_ACCOUNT_PAYMENT" => "잔액이 부족해 결제하지 못했습니다.",
        "INVALID_STOPPED_CARD" => "정지된 카드입니다.",
        "INVALID_CARD_EXPIRATION" => "카드 유효기간을 확인해 주세요.",
        "EXCEED_MAX_AMOUNT" | "EXCEED_MAX_PAYMENT_AMOUNT" | "EXCEED_MAX_ONE_DAY_AMOUNT" => "결제 한도를 넘었습니다.",
        "PAY_PROCESS_CANCELED" => "사용자가 결제를 취소했습니다.",
        "PAY_PROCESS_ABORTED" => "결제를 진행하지 못했습니다.",
        "PROVIDER_ERROR" | "CARD_PROCESSING_ERROR" => "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해 주세요.",
        _ => "요청을 처리하지 못했습니다.",
    }
}
