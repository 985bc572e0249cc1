//! An order of some projects and what belongs to it, for tests to alter.

use domain::{ids::ProductId, time::Time};
use serde_json::json;
use storage::items::{Order, Pwt, Refund};
use ulid::Ulid;

pub const BUYER: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2V";
const TUTOR: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2T";
const ORDER: &str = "01KB2M3N4P5Q6R7S8T9V0W1X2Y";

pub fn now() -> Time {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

pub fn product(n: u128) -> ProductId {
    Ulid::from_parts(1, n).into()
}

/// On sale for a minute, at 50,000 won.
pub fn pwt(n: u128) -> Pwt {
    serde_json::from_value(json!({
        "id": product(n), "tutorId": TUTOR, "title": "서버리스", "description": null, "price": 50_000,
        "salesFrom": now(), "deadline": now().plus_seconds(60), "startsAt": now().plus_seconds(60),
        "endsAt": now().plus_seconds(120), "maxParticipants": 10, "level": "EASY", "category": "ETC",
        "approval": "APPROVED", "reason": null, "publishedAt": now(), "createdAt": now(), "version": 1,
    }))
    .unwrap()
}

/// Paid, of as many products from the first on, of which the platform keeps a tenth.
pub fn order(lines: u128) -> Order {
    let line = |n| json!({ "productId": product(n), "title": "서버리스", "price": 50_000, "shard": 0, "tutorId": TUTOR, "fee": 5_000 });
    serde_json::from_value(json!({
        "id": ORDER, "buyerId": BUYER, "state": "PAID", "lines": (1..=lines).map(line).collect::<Vec<_>>(),
        "total": 50_000 * lines, "createdAt": now(), "holdUntil": now().plus_seconds(600), "paidAt": now(),
        "payment": { "method": "카드", "receiptUrl": null, "partialRefunds": true },
    }))
    .unwrap()
}

/// Of one line.
pub fn refund(n: u128) -> Refund {
    serde_json::from_value(json!({
        "id": Ulid::from_parts(2, n), "orderId": ORDER, "products": [product(1)], "amount": 50_000,
        "refundable": 50_000, "reason": "변심", "askedBy": BUYER, "n": 0, "state": "REQUESTED", "askedAt": now(),
    }))
    .unwrap()
}

/// Into a virtual account, and not there yet.
pub fn payment() -> toss::Payment {
    toss::Payment::from_value(&json!({
        "paymentKey": "tviva20261124", "orderId": ORDER, "status": "WAITING_FOR_DEPOSIT", "totalAmount": 50_000,
        "balanceAmount": 50_000, "currency": "KRW", "method": "가상계좌", "secret": "ps_secret",
        "virtualAccount": {
            "bankCode": "88", "accountNumber": "X123456", "customerName": "디브루프", "dueDate": "2026-11-24T11:00:00",
        },
    }))
    .unwrap()
}
