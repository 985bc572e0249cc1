//! `POST /v1/payments/fail`: Toss's failUrl told the frontend; the seats go back now.

use deserr::Deserr;
use devloop_http::{Active, Json};
use domain::{ids::OrderId, text::Line, validation::FieldErrors};
use storage::{items::Order, keys};
use utoipa::ToSchema;

use crate::{
    App,
    letting_go::{NotLetGo, let_go},
    views::OrderView,
};

/// What Toss's redirect told the frontend.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "code": "PAY_PROCESS_CANCELED", "message": "결제를 취소했습니다.",
}))]
pub struct FailPayment {
    /// The frontend knows it even where Toss leaves it out.
    order_id: OrderId,
    /// Toss's code.
    code: Line<1, 100>,
    /// Toss's message; not kept.
    #[deserr(default)]
    #[expect(dead_code, reason = "part of what Toss sends, so that a frontend can pass it on as it is")]
    message: Option<Line<0, 500>>,
}

/// Lets go of the caller's own order; doing it twice is fine.
pub async fn fail_payment(app: App, buyer: Active, Json(body): Json<FailPayment>) -> Result<Json<OrderView>, NotLetGo> {
    let order: Option<Order> = app.edge.table.get_now(keys::order(body.order_id)).await?;
    let order = order.filter(|order| order.buyer_id == buyer.id()).ok_or(NotLetGo::NotFound)?;
    let order = let_go(&app, order, Some(body.code.as_str())).await?;
    Ok(Json(OrderView::of(order, &buyer.account, &app.terms)))
}
