//! `POST /v1/orders/{orderId}/cancel`: lets go of an unpaid order.

use deserr::Deserr;
use devloop_http::{Active, Json, Path};
use domain::{
    ids::OrderId,
    orders::State,
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use storage::items::Order;
use utoipa::ToSchema;

use super::confirm_payment::{ORDER_NOT_FOUND, PAYMENT_IN_PROGRESS};
use crate::{
    App,
    edges::{self, NotMoved},
    hints,
    views::{OrderView, find_order},
};

/// Why it is given up.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "reason": "일정이 맞지 않습니다." }))]
pub struct CancelOrder {
    /// For the records.
    #[deserr(default)]
    reason: Option<domain::text::Reason>,
}

/// Why it was not let go.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such order that the caller may see")]
    NotFound,
    #[error("its payment is being confirmed")]
    InProgress,
    #[error("an order in {0:?} cannot be cancelled")]
    NotCancelable(State),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub(super) const ORDER_NOT_CANCELABLE: Reason =
    Reason::conflict("ORDER_NOT_CANCELABLE", "취소할 수 없는 주문입니다.", "This order cannot be cancelled.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[ORDER_NOT_FOUND, PAYMENT_IN_PROGRESS, ORDER_NOT_CANCELABLE];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ORDER_NOT_FOUND,
            Self::InProgress => PAYMENT_IN_PROGRESS,
            Self::NotCancelable(_) => ORDER_NOT_CANCELABLE,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotCancelable(state) => Details::default().with("state", state.as_str()),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// Cancels; doing it twice is fine.
pub async fn cancel_order(
    app: App,
    caller: Active,
    (Path(id), Json(body)): (Path<OrderId>, Json<CancelOrder>),
) -> Result<Json<OrderView>, Refused> {
    let order = find_order(&app, &caller.account, id).await?.ok_or(Refused::NotFound)?;
    let failure = body.reason.map(String::from);
    let order = let_go(&app, order, failure.as_deref()).await?;
    Ok(Json(OrderView::of(order, &caller.account, &app.terms)))
}

/// Gives the seats of a PENDING order back; what is cancelled already stays so.
pub(super) async fn let_go(app: &App, order: Order, failure: Option<&str>) -> Result<Order, Refused> {
    match order.state {
        State::Canceled => return Ok(order),
        State::Pending => {}
        State::Confirming | State::AwaitingDeposit => return Err(Refused::InProgress),
        other => return Err(Refused::NotCancelable(other)),
    }
    match edges::cancel(app, &order, failure, app.edge.clock.now()).await {
        Ok(canceled) => {
            hints::freed(app, &canceled).await;
            Ok(canceled)
        }
        Err(NotMoved::Storage(error)) => Err(error.into()),
        Err(NotMoved::Lost(_)) => {
            let present: Option<Order> = app.edge.table.get_now(storage::keys::order(order.id)).await?;
            match present {
                Some(present) if present.state == State::Canceled => Ok(present),
                Some(present) if present.state.holds_seats() => Err(Refused::InProgress),
                Some(present) => Err(Refused::NotCancelable(present.state)),
                None => Err(Refused::NotFound),
            }
        }
    }
}
