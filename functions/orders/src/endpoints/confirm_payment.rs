//! `POST /v1/payments/confirm`: takes the money for an order whose seats are held.
//!
//! The amount is compared before any money moves. What Toss then says decides; what it does not
//! say is never taken for a refusal: the order stays CONFIRMING, and the answer is 202 with it.

use std::time::Duration;

use deserr::Deserr;
use devloop_http::{Active, Idempotent, KeyRefused, Once};
use domain::{
    ids::OrderId,
    orders::State,
    refusal::{Details, Kind, Reason, Refusal},
    validation::{FieldErrors, Invalid},
};
use jobs::PaymentJob;
use storage::{items::Order, keys};
use utoipa::ToSchema;

use crate::{
    App,
    edges::{self, Lost, NotMoved},
    outcome::{Outcome, RETRY_SECONDS},
    rules::Amount,
    settle::{self, Progress, void_reason},
    views::OrderView,
};

/// What Toss's redirect told the frontend.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "paymentKey": "tviva20261124000000abcd1", "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "amount": 50000,
}))]
pub struct ConfirmPayment {
    /// Toss's key of the payment, at most 200 visible ASCII characters.
    #[schema(max_length = 200)]
    payment_key: String,
    order_id: OrderId,
    /// Must be the order's total.
    amount: Amount,
}

/// Why the order was not paid.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error("no such order of the caller's")]
    NotFound,
    #[error("the amount is not the total")]
    AmountMismatch,
    #[error("the hold is over")]
    Expired,
    #[error("an order in {0:?} cannot be paid")]
    NotPayable(State),
    #[error("another payment is being confirmed")]
    InProgress,
    #[error("the payment key belongs to another order")]
    ForeignPaymentKey,
    #[error("Toss refused the payment: {code}")]
    Declined {
        /// Toss's code.
        code: String,
        /// Toss's message.
        message: Option<String>,
        /// Whether another payment may be tried.
        payable: bool,
    },
    #[error("the charge was cancelled in full: {0}")]
    Voided(String),
    #[error("the account is not in use")]
    NotActive,
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub(super) const ORDER_NOT_FOUND: Reason =
    Reason::not_found("ORDER_NOT_FOUND", "주문을 찾을 수 없습니다.", "There is no such order.");
const AMOUNT_MISMATCH: Reason = Reason::new(
    Kind::Unprocessable,
    "AMOUNT_MISMATCH",
    "결제 금액이 주문 금액과 다릅니다.",
    "The amount is not the order's total.",
);
const ORDER_EXPIRED: Reason =
    Reason::conflict("ORDER_EXPIRED", "결제 시간이 지났습니다.", "The time to pay this order is over.");
const ORDER_NOT_PAYABLE: Reason =
    Reason::conflict("ORDER_NOT_PAYABLE", "결제할 수 없는 주문입니다.", "This order cannot be paid in this way.");
pub(super) const PAYMENT_IN_PROGRESS: Reason =
    Reason::conflict("PAYMENT_IN_PROGRESS", "결제를 확인하고 있습니다.", "A payment of this order is being confirmed.");
const PAYMENT_REFUSED: Reason =
    Reason::conflict("PAYMENT_REFUSED", "결제가 거절되었습니다.", "The payment was refused.");
const PAYMENT_VOIDED: Reason = Reason::conflict(
    "PAYMENT_VOIDED",
    "결제를 완료할 수 없어 전액 취소했습니다.",
    "The payment could not be completed and was cancelled in full.",
);
const PAYMENT_METHOD_NOT_ALLOWED: Reason = Reason::conflict(
    "PAYMENT_METHOD_NOT_ALLOWED",
    "사용할 수 없는 결제 수단입니다. 결제는 취소되었습니다.",
    "This way of paying is not accepted; the payment was cancelled.",
);
const NOT_ACTIVE: Reason =
    Reason::new(Kind::Unauthenticated, "UNAUTHENTICATED", "로그인이 필요합니다.", "Please log in.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        Reason::VALIDATION_FAILED,
        ORDER_NOT_FOUND,
        AMOUNT_MISMATCH,
        ORDER_EXPIRED,
        ORDER_NOT_PAYABLE,
        PAYMENT_IN_PROGRESS,
        PAYMENT_REFUSED,
        PAYMENT_VOIDED,
        PAYMENT_METHOD_NOT_ALLOWED,
        NOT_ACTIVE,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::Fields(error) => error.reason(),
            Self::NotFound => ORDER_NOT_FOUND,
            Self::AmountMismatch => AMOUNT_MISMATCH,
            Self::Expired => ORDER_EXPIRED,
            Self::NotPayable(_) | Self::ForeignPaymentKey => ORDER_NOT_PAYABLE,
            Self::InProgress => PAYMENT_IN_PROGRESS,
            Self::Declined { .. } => PAYMENT_REFUSED,
            Self::Voided(reason) if reason == void_reason::METHOD_NOT_ALLOWED => PAYMENT_METHOD_NOT_ALLOWED,
            Self::Voided(_) => PAYMENT_VOIDED,
            Self::NotActive => NOT_ACTIVE,
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Fields(error) => error.details(),
            Self::NotPayable(state) => Details::default().with("state", state.as_str()),
            Self::InProgress => Details::retry_after(RETRY_SECONDS),
            Self::Declined { code, message, payable } => Details::default()
                .with("provider", serde_json::json!({ "code": code, "message": message }))
                .with("payable", *payable),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

const OPERATION: &str = "confirm_payment";

/// Confirms, once for each key.
pub async fn confirm_payment(
    app: App,
    buyer: Active,
    Idempotent { key, body }: Idempotent<ConfirmPayment>,
) -> Result<Once<Outcome>, Refused> {
    let work = Box::pin(confirm(&app, &buyer, body));
    app.edge.once((buyer.id(), OPERATION, &key), work, Outcome::recorded).await
}

async fn confirm(app: &App, buyer: &Active, body: ConfirmPayment) -> Result<Outcome, Refused> {
    if !toss::is_payment_key(&body.payment_key) {
        let invalid = Invalid::new("PAYMENT_KEY", "결제 키가 올바르지 않습니다.", "must be a payment key of Toss");
        return Err(FieldErrors::one("paymentKey", invalid).into());
    }
    let order: Option<Order> = app.edge.table.get_now(keys::order(body.order_id)).await?;
    let order = order.filter(|order| order.buyer_id == buyer.id()).ok_or(Refused::NotFound)?;
    if !body.amount.is(order.total) {
        return Err(Refused::AmountMismatch);
    }
    let same_key = order.payment_key.as_ref() == Some(&body.payment_key);
    let (confirming, begun) = match order.state {
        State::Pending => (begin(app, &order, &body.payment_key).await?, true),
        State::Confirming if same_key => (order, false),
        State::Paid | State::PartiallyRefunded | State::Refunded | State::AwaitingDeposit if same_key => {
            return Ok(Outcome::Final(OrderView::of(order, &buyer.account, &app.terms)));
        }
        State::Confirming | State::AwaitingDeposit => return Err(Refused::InProgress),
        State::Expired => return Err(Refused::Expired),
        other => return Err(Refused::NotPayable(other)),
    };
    let view = |order| OrderView::of(order, &buyer.account, &app.terms);
    let remind = async {
        if begun {
            remind_reconciler(app, body.order_id).await;
        }
    };
    // Toss is asked meanwhile: the buyer does not wait for the queue.
    let (driven, ()) = Box::pin(futures::future::join(settle::drive(app, confirming), remind)).await;
    match driven? {
        Progress::Paid(order) | Progress::Awaiting(order) => Ok(Outcome::Final(view(order))),
        Progress::Unknown(order) => Ok(Outcome::Unknown(view(order))),
        Progress::Voided(order) => Err(Refused::Voided(order.failure.unwrap_or_default())),
        Progress::Refused { order, code, message } => {
            Err(Refused::Declined { code, message, payable: order.state == State::Pending })
        }
    }
}

/// Makes a PENDING order CONFIRMING, unless it is too late or the key is of no use.
async fn begin(app: &App, order: &Order, payment_key: &str) -> Result<Order, Refused> {
    let now = app.edge.clock.now();
    if order.hold_until <= now {
        return Err(Refused::Expired);
    }
    if order.refused_keys.iter().any(|refused| refused == payment_key) {
        return Err(Refused::NotPayable(order.state));
    }
    match edges::begin_confirming(app, order, payment_key, now).await {
        Ok(confirming) => Ok(confirming),
        Err(NotMoved::Storage(error)) => Err(error.into()),
        Err(NotMoved::Lost(lost)) if lost.contains(&Lost::Buyer) => Err(Refused::NotActive),
        Err(NotMoved::Lost(lost)) if lost.contains(&Lost::PaymentKey) => Err(Refused::ForeignPaymentKey),
        // Another confirm, a cancel or the sweeper was faster: repeating tells which.
        Err(NotMoved::Lost(_)) => Err(Refused::InProgress),
    }
}

/// If this process dies now, the payment-reconciler hears of the confirmation as soon as it is due.
/// If it cannot be told either, its schedule finds the order.
async fn remind_reconciler(app: &App, order_id: OrderId) {
    let delay = Duration::from_secs(edges::CONFIRM_PATIENCE_SECONDS.into());
    if let Err(error) = app.jobs.payments.send(PaymentJob::CheckPayment { order_id }, delay).await {
        tracing::warn!(order = %order_id, %error, "the payment-reconciler was not told of a confirmation");
    }
}
