//! Payments and transactions as Toss writes them.
//!
//! Members: <https://docs.tosspayments.com/reference>. The sign of a cancel in the list of
//! transactions is not documented; here it is negative.

use domain::time::Time;
use serde_json::{Value, json};
use toss::Status;

use super::{
    charge::{Charge, Movement, MovementKind},
    errors::ApiError,
};

const MERCHANT: &str = "tsandbox";

/// An instant in Korea, to the second.
pub(crate) fn korean(time: Time) -> String {
    let text = time.plus_seconds(9 * 60 * 60).to_string();
    format!("{}+09:00", text.get(..19).unwrap_or(&text))
}

/// The Payment object. `receipt` is where a person can see it.
pub(crate) fn payment(charge: &Charge, receipt: Option<String>) -> Value {
    let cancels: Vec<&Movement> =
        charge.movements.iter().filter(|movement| movement.kind == MovementKind::Cancel).collect();
    // Half a won rounds up.
    let vat = charge.balance.saturating_mul(2).saturating_add(11) / 22;
    let is_card = charge.method == "카드";
    let mut value = json!({
        "version": "2022-11-16",
        "mId": MERCHANT,
        "paymentKey": charge.payment_key,
        "type": "NORMAL",
        "orderId": charge.order_id,
        "orderName": charge.order_name,
        "currency": "KRW",
        "method": if charge.status == Status::Ready { Value::Null } else { json!(charge.method) },
        "totalAmount": charge.total,
        "balanceAmount": charge.balance,
        "suppliedAmount": charge.balance.saturating_sub(vat),
        "vat": vat,
        "taxFreeAmount": 0,
        "taxExemptionAmount": 0,
        "cultureExpense": false,
        "useEscrow": false,
        "status": charge.status.as_str(),
        "requestedAt": korean(charge.created_at),
        "approvedAt": charge.approved_at.map(korean),
        "lastTransactionKey": charge.movements.last().map(|movement| movement.transaction_key.as_str()),
        "isPartialCancelable": charge.is_partial_cancelable(),
        "cancels": if cancels.is_empty() { Value::Null } else { cancels.iter().map(|movement| cancel(movement)).collect() },
        "secret": charge.secret,
        "country": "KR",
        "failure": charge.failure.as_deref().map(|code| ApiError::of(code).body()),
        "receipt": receipt.filter(|_| charge.approved_at.is_some()).map(|url| json!({ "url": url })),
        "checkout": Value::Null,
        "easyPay": Value::Null,
        "transfer": Value::Null,
        "mobilePhone": Value::Null,
        "giftCertificate": Value::Null,
        "cashReceipt": Value::Null,
        "discount": Value::Null,
        "card": is_card.then(|| card(charge)),
        "virtualAccount": charge.account_at.map(|_| virtual_account(charge)),
    });
    if charge.method == "간편결제"
        && let Some(object) = value.as_object_mut()
    {
        object.insert(
            "easyPay".to_owned(),
            json!({ "provider": "토스페이", "amount": charge.total, "discountAmount": 0 }),
        );
    }
    value
}

fn cancel(movement: &Movement) -> Value {
    json!({
        "transactionKey": movement.transaction_key,
        "cancelAmount": movement.amount,
        "cancelReason": movement.reason,
        "refundableAmount": movement.balance,
        "canceledAt": korean(movement.at),
        "cancelStatus": "DONE",
        "taxFreeAmount": 0,
        "taxExemptionAmount": 0,
        "cardDiscountAmount": 0,
        "transferDiscountAmount": 0,
        "easyPayDiscountAmount": 0,
        "receiptKey": Value::Null,
        "cancelRequestId": Value::Null,
    })
}

fn card(charge: &Charge) -> Value {
    json!({
        "amount": charge.total,
        "issuerCode": "71",
        "acquirerCode": "71",
        "number": "12345678****000*",
        "installmentPlanMonths": 0,
        "approveNo": "00000000",
        "useCardPoint": false,
        "cardType": "신용",
        "ownerType": "개인",
        "acquireStatus": if charge.status == Status::Canceled { "CANCELED" } else { "READY" },
        "isInterestFree": false,
        "interestPayer": Value::Null,
    })
}

fn virtual_account(charge: &Charge) -> Value {
    json!({
        "accountType": "일반",
        "accountNumber": "X1234567890123",
        "bankCode": "20",
        "customerName": "테스트",
        "depositorName": "테스트",
        "dueDate": korean(charge.due_date()),
        "refundStatus": if charge.balance == charge.total { "NONE" } else { "COMPLETED" },
        "expired": charge.status == Status::Expired,
        "settlementStatus": "INCOMPLETED",
    })
}

/// The Transaction object.
pub(crate) fn transaction(charge: &Charge, movement: &Movement) -> Value {
    let amount =
        if movement.kind == MovementKind::Capture { movement.amount } else { movement.amount.saturating_neg() };
    json!({
        "mId": MERCHANT,
        "transactionKey": movement.transaction_key,
        "paymentKey": charge.payment_key,
        "orderId": charge.order_id,
        "method": charge.method,
        "customerKey": charge.customer_key,
        "useEscrow": false,
        "receiptUrl": Value::Null,
        "status": movement.status.as_str(),
        "transactionAt": korean(movement.at),
        "currency": "KRW",
        "amount": amount,
    })
}
