//! `POST /v1/orders/{orderId}/refund-requests`: asks an admin for what the buyer may not take back alone.
//!
//! One request of an order is open at a time. The answer is an admin's refund, which closes it.

use deserr::Deserr;
use devloop_http::{Active, Created, IdempotencyKey, Idempotent, KeyRefused, Once, Path};
use domain::{
    ids::{OrderId, RefundRequestId},
    orders::RequestState,
    refusal::{Details, Reason, Refusal},
    time::Time,
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{
    Error,
    items::{Order, RefundRequest, User},
};
use utoipa::ToSchema;

use super::{
    cancel_order::{ALREADY_REFUNDED, REFUND_IN_PROGRESS},
    create_order::NOT_ACTIVE,
};
use crate::{
    App,
    edges::{self, Lost, NotMoved},
    letting_go::ORDER_NOT_FOUND,
    outcome::RETRY_SECONDS,
    paid::{self, NotPaid, ORDER_NOT_PAID},
    rules::{self, NoRequest},
};

/// Why the money should come back.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "reason": "프로젝트가 약속과 다르게 진행됩니다." }))]
pub struct RequestRefund {
    /// For the admin who decides.
    reason: domain::text::Reason,
}

/// A request that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X31", "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "state": "OPEN",
    "reason": "프로젝트가 약속과 다르게 진행됩니다.", "createdAt": "2026-12-28T00:00:00.000Z",
}))]
pub struct RefundRequestView {
    id: RefundRequestId,
    order_id: OrderId,
    state: RequestState,
    reason: domain::text::Reason,
    created_at: Time,
}

/// Why nobody was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotPaid(#[from] NotPaid),
    #[error(transparent)]
    NoRequest(#[from] NoRequest),
    #[error("the account is not in use")]
    NotActive,
    #[error("the order moved meanwhile")]
    Moved,
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Storage(#[from] Error),
}

const REFUND_REQUESTED: Reason = Reason::conflict(
    "REFUND_REQUESTED",
    "이미 환불을 요청했습니다. 관리자가 확인하고 있습니다.",
    "You have asked for a refund already; an admin will look at it.",
);
const REFUND_WINDOW_OPEN: Reason = Reason::conflict(
    "REFUND_WINDOW_OPEN",
    "아직 직접 환불할 수 있는 기간입니다.",
    "You can still give this back yourself.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        ORDER_NOT_FOUND, ORDER_NOT_PAID, REFUND_REQUESTED, REFUND_IN_PROGRESS, ALREADY_REFUNDED, REFUND_WINDOW_OPEN,
        NOT_ACTIVE,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::NotPaid(refused) => refused.reason(),
            Self::NoRequest(NoRequest::Asked) => REFUND_REQUESTED,
            Self::NoRequest(NoRequest::RefundInProgress) => REFUND_IN_PROGRESS,
            Self::NoRequest(NoRequest::NothingLeft) => ALREADY_REFUNDED,
            Self::NoRequest(NoRequest::WindowOpen) => REFUND_WINDOW_OPEN,
            Self::NotActive => NOT_ACTIVE,
            // It stands in the way of nothing any more: trying again tells.
            Self::Moved => Reason::BUSY,
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotPaid(refused) => refused.details(),
            Self::NoRequest(NoRequest::RefundInProgress) => Details::retry_after(RETRY_SECONDS),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            Self::NoRequest(_) | Self::NotActive | Self::Moved | Self::Unwritable(_) => Details::default(),
        }
    }
}

const OPERATION: &str = "request_refund";

/// Asks, once for each key.
pub async fn request_refund(
    app: App,
    buyer: Active,
    (Path(id), Idempotent { key, body }): (Path<OrderId>, Idempotent<RequestRefund>),
) -> Result<Once<Created<RefundRequestView>>, Refused> {
    let work = Box::pin(ask(&app, &buyer.account, id, &key, body.reason));
    app.edge.recorded((buyer.id(), OPERATION, Some(&key)), work).await
}

async fn ask(
    app: &App,
    buyer: &User,
    id: OrderId,
    key: &IdempotencyKey,
    reason: domain::text::Reason,
) -> Result<Created<RefundRequestView>, Refused> {
    let order = may_ask(app, buyer, id).await?;
    let created_at = app.edge.clock.now();
    let request = RefundRequest {
        id: app.edge.ids.id(),
        order_id: order.id,
        user_id: buyer.id,
        reason: reason.clone(),
        state: RequestState::Open,
        created_at,
    };
    let view = RefundRequestView { id: request.id, order_id: order.id, state: request.state, reason, created_at };
    // The order shows it.
    let location = format!("/v1/orders/{}", order.id);
    let created = Created { location, version: None, body: view };
    let record = key.succeed(buyer.id, OPERATION, created.recorded()?, created_at);
    match edges::request_refund(app, &order, &request, record).await {
        Ok(()) => Ok(created),
        Err(NotMoved::Storage(error)) => Err(error.into()),
        Err(NotMoved::Lost(lost)) if lost.contains(&Lost::Buyer) => Err(Refused::NotActive),
        // Somebody was faster: the order as it is now says who.
        Err(NotMoved::Lost(_)) => Err(may_ask(app, buyer, id).await.err().unwrap_or(Refused::Moved)),
    }
}

/// The buyer's own order, if they may ask for a refund of it. Admins need not ask.
async fn may_ask(app: &App, buyer: &User, id: OrderId) -> Result<Order, Refused> {
    let order = paid::find(app, buyer, id).await?;
    if order.buyer_id != buyer.id {
        return Err(NotPaid::NotFound.into());
    }
    rules::may_ask(&order, &paid::projects(app, &order).await?, app.edge.clock.now())?;
    Ok(order)
}
