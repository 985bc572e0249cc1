//! `POST /v1/orders/{orderId}/cancel`: lets go of an unpaid order, refunds a paid one, in whole or by line.
//!
//! A refund waits for Toss; what Toss does not say is no refusal, and the answer is 202 then. What came into a virtual
//! account goes back to an account that the caller names.

use deserr::Deserr;
use devloop_http::{Active, KeyRefused, MaybeIdempotent, Once, Path};
use domain::{
    accounts::Role,
    ids::{OrderId, ProductId, PwtId},
    money::Won,
    orders::State,
    refusal::{Details, Reason, Refusal},
    validation::{FieldErrors, Invalid},
};
use sealing::Unsealed;
use storage::{
    items::{Order, Pwt, Refund},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App, deposits,
    edges::{self, NotMoved},
    hints,
    letting_go::{self, NotLetGo},
    outcome::{Outcome, RETRY_SECONDS},
    refund::{self, Progress},
    refund_account::{self, RefundAccount},
    rules::{self, NoRefund},
    views::{OrderView, find_order},
};

/// What is given up, and why.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "reason": "일정이 맞지 않습니다." }))]
pub struct CancelOrder {
    /// Products to give back, of a paid order; all that are left if absent.
    #[deserr(default)]
    lines: Option<Vec<ProductId>>,
    /// For the records. Admins must give one to refund.
    #[deserr(default)]
    reason: Option<domain::text::Reason>,
    /// Where the money goes: of an order that was paid into a virtual account, and of no other.
    #[deserr(default)]
    refund_account: Option<RefundAccount>,
}

/// Why nothing was given back.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error(transparent)]
    NotLetGo(#[from] NotLetGo),
    #[error(transparent)]
    NoRefund(NoRefund),
    #[error("it was paid into a virtual account")]
    AccountNeeded,
    #[error("another refund of the order is at work")]
    RefundInProgress,
    #[error("Toss refused the refund: {0}")]
    ByToss(String),
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub(super) const REFUND_IN_PROGRESS: Reason =
    Reason::conflict("REFUND_IN_PROGRESS", "환불을 처리하고 있습니다.", "A refund of this order is at work.");
const REFUND_REFUSED: Reason = Reason::conflict("REFUND_REFUSED", "환불이 거절되었습니다.", "The refund was refused.");
const REFUND_WINDOW_OVER: Reason = Reason::conflict(
    "REFUND_WINDOW_OVER",
    "환불할 수 있는 기간이 지났습니다. 관리자에게 환불을 요청할 수 있습니다.",
    "The time to give this back is over; you can ask an admin.",
);
pub(super) const ALREADY_REFUNDED: Reason =
    Reason::conflict("ALREADY_REFUNDED", "이미 환불되었습니다.", "This has been refunded already.");
const PARTIAL_REFUND_UNAVAILABLE: Reason = Reason::conflict(
    "PARTIAL_REFUND_UNAVAILABLE",
    "부분 환불이 안 되는 결제 수단입니다. 주문 전체를 환불할 수 있습니다.",
    "This way of paying gives back the whole order only.",
);

const REFUND_ACCOUNT_NEEDED: Reason = Reason::conflict(
    "REFUND_ACCOUNT_NEEDED",
    "가상계좌로 입금한 주문입니다. 환불받을 계좌를 입력해 주세요.",
    "This order was paid into a virtual account; name the account that the money goes back to.",
);

impl From<NoRefund> for Refused {
    fn from(reason: NoRefund) -> Self {
        if reason != NoRefund::NotLines {
            return Self::NoRefund(reason);
        }
        let lines =
            Invalid::new("LINES", "주문한 상품을 한 번씩 지정하세요.", "must be products of this order, each once");
        FieldErrors::one("lines", lines).into()
    }
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        Reason::VALIDATION_FAILED,
        letting_go::ORDER_NOT_FOUND,
        letting_go::PAYMENT_IN_PROGRESS,
        letting_go::ORDER_NOT_CANCELABLE,
        REFUND_IN_PROGRESS,
        REFUND_REFUSED,
        REFUND_WINDOW_OVER,
        ALREADY_REFUNDED,
        PARTIAL_REFUND_UNAVAILABLE,
        REFUND_ACCOUNT_NEEDED,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::Fields(error) => error.reason(),
            Self::NotLetGo(error) => error.reason(),
            Self::NoRefund(NoRefund::NotLines) => Reason::VALIDATION_FAILED,
            Self::NoRefund(NoRefund::WindowOver(_)) => REFUND_WINDOW_OVER,
            Self::NoRefund(NoRefund::Already(_)) => ALREADY_REFUNDED,
            Self::NoRefund(NoRefund::WholeOrderOnly) => PARTIAL_REFUND_UNAVAILABLE,
            Self::AccountNeeded => REFUND_ACCOUNT_NEEDED,
            Self::RefundInProgress => REFUND_IN_PROGRESS,
            Self::ByToss(_) => REFUND_REFUSED,
            Self::Key(error) => error.reason(),
            Self::Unsealed(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Fields(error) => error.details(),
            Self::NotLetGo(error) => error.details(),
            Self::NoRefund(NoRefund::WindowOver(products) | NoRefund::Already(products)) => {
                Details::default().with("lines", serde_json::json!(products))
            }
            Self::NoRefund(NoRefund::NotLines | NoRefund::WholeOrderOnly) | Self::AccountNeeded | Self::Unsealed(_) => {
                Details::default()
            }
            Self::RefundInProgress => Details::retry_after(RETRY_SECONDS),
            Self::ByToss(code) => Details::default().with("provider", serde_json::json!({ "code": code })),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "cancel_order";

/// Gives back, once for each key if there is one.
pub async fn cancel_order(
    app: App,
    caller: Active,
    (Path(id), MaybeIdempotent { key, body }): (Path<OrderId>, MaybeIdempotent<CancelOrder>),
) -> Result<Once<Outcome>, Refused> {
    let work = Box::pin(cancel(&app, &caller, id, body));
    match key {
        Some(key) => app.edge.once((caller.id(), OPERATION, &key), work, Outcome::recorded).await,
        None => work.await.map(Once::Fresh),
    }
}

async fn cancel(app: &App, caller: &Active, id: OrderId, body: CancelOrder) -> Result<Outcome, Refused> {
    let order = find_order(app, &caller.account, id).await?.ok_or(NotLetGo::NotFound)?;
    if body.refund_account.is_some() && !refund_account::is_taken(&order) {
        let not_taken = Invalid::new(
            "REFUND_ACCOUNT_NOT_TAKEN",
            "가상계좌로 입금한 주문에만 환불 계좌를 입력할 수 있습니다.",
            "is taken only for an order that was paid into a virtual account",
        );
        return Err(FieldErrors::one("refundAccount", not_taken).into());
    }
    if matches!(order.state, State::Paid | State::PartiallyRefunded | State::Refunded) {
        return give_back(app, caller, order, body).await;
    }
    if body.lines.is_some() {
        let whole = Invalid::new(
            "WHOLE_ORDER_ONLY",
            "결제 전에는 전체만 취소할 수 있습니다.",
            "only a paid order has lines to give back",
        );
        return Err(FieldErrors::one("lines", whole).into());
    }
    let order = if order.state == State::AwaitingDeposit {
        give_up_deposit(app, order).await?
    } else {
        letting_go::let_go(app, order, body.reason.map(String::from).as_deref()).await?
    };
    Ok(Outcome::Final(OrderView::of(order, &caller.account, &app.terms)))
}

/// Toss takes the account back first: what was paid in before that is no deposit to give up.
async fn give_up_deposit(app: &App, order: Order) -> Result<Order, Refused> {
    match deposits::give_up(app, &order).await? {
        deposits::Progress::Ended(ended) => {
            hints::freed(app, &ended).await;
            Ok(ended)
        }
        deposits::Progress::Paid(paid) => Err(NotLetGo::NotCancelable(paid.state).into()),
        deposits::Progress::Waiting | deposits::Progress::Unknown => Err(NotLetGo::InProgress.into()),
    }
}

async fn give_back(app: &App, caller: &Active, order: Order, body: CancelOrder) -> Result<Outcome, Refused> {
    let open = refund::open(app, &order).await?;
    let (order, refund) = match open {
        // The caller again, after an answer that was lost or told nothing.
        Some(open) if open.asked_by == caller.id() && is_same(app, &open, &body, &order)? => (order, open),
        Some(_) => return Err(Refused::RefundInProgress),
        None => begin(app, caller, &order, body).await?,
    };
    let view = |order| OrderView::of(order, &caller.account, &app.terms);
    match refund::drive(app, order, refund).await? {
        Progress::Done(order) => {
            hints::freed(app, &order).await;
            Ok(Outcome::Final(view(order)))
        }
        Progress::Unknown(order) => Ok(Outcome::Unknown(view(order))),
        Progress::Refused { code, .. } => Err(Refused::ByToss(code)),
    }
}

/// Whether a refund at work is what is asked for. Who has told an account need not tell it again, but the money goes
/// to no other.
fn is_same(app: &App, open: &Refund, asked: &CancelOrder, order: &Order) -> Result<bool, storage::Error> {
    let products = &open.products;
    let lines = match &asked.lines {
        Some(asked) => asked.len() == products.len() && asked.iter().all(|product| products.contains(product)),
        None => order.kept().next().is_none(),
    };
    Ok(lines && asked.refund_account.as_ref().map_or(Ok(true), |account| account.is_of(app, open))?)
}

/// Writes the refund down, if the caller may have it.
async fn begin(app: &App, caller: &Active, order: &Order, body: CancelOrder) -> Result<(Order, Refund), Refused> {
    let products = rules::lines_to_refund(order, body.lines)?;
    let by_admin = caller.account.role == Role::Admin;
    let reason = match body.reason {
        Some(reason) => String::from(reason),
        None if by_admin => {
            let required = Invalid::new("REQUIRED", "환불 사유가 필요합니다.", "an admin must say why");
            return Err(FieldErrors::one("reason", required).into());
        }
        None => "구매자 요청".to_owned(),
    };
    if !by_admin {
        let pwts: Vec<Pwt> =
            app.edge.table.get_all_now(products.iter().map(|product| keys::pwt(PwtId::from(*product)))).await?;
        rules::within_window(&products, &pwts, app.edge.clock.now())?;
    }
    let mut refund = refund::of(app, order, products, reason, caller.id());
    rules::takes_parts(order, &refund)?;
    refund.account_cipher = match body.refund_account {
        Some(account) => Some(account.seal(app, refund.id)?),
        None if refund_account::is_needed(order) && refund.amount > Won::ZERO => return Err(Refused::AccountNeeded),
        None => None,
    };
    match edges::begin_refund(app, order, &refund).await {
        Ok(begun) => Ok((begun, refund)),
        Err(NotMoved::Storage(error)) => Err(error.into()),
        // Another refund was faster: repeating tells what it left.
        Err(NotMoved::Lost(_)) => Err(Refused::RefundInProgress),
    }
}
