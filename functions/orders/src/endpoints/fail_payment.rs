//! `POST /v1/payments/fail`: Toss's failUrl told the frontend; the seats go back now.

use deserr::Deserr;
use devloop_http::{Active, Json, KeyRefused, MaybeIdempotent, Once};
use domain::{
    ids::OrderId,
    refusal::{Details, Reason, Refusal},
    text::Line,
    validation::FieldErrors,
};
use storage::{
    items::{Answer, Order},
    keys,
};
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

/// Why no seat went back.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NotLetGo(#[from] NotLetGo),
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = NotLetGo::REASONS;

    fn reason(&self) -> Reason {
        match self {
            Self::NotLetGo(error) => error.reason(),
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotLetGo(error) => error.details(),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "fail_payment";

/// Lets go of the caller's own order, once for each key if there is one; doing it twice is fine.
pub async fn fail_payment(
    app: App,
    buyer: Active,
    MaybeIdempotent { key, body }: MaybeIdempotent<FailPayment>,
) -> Result<Once<Json<OrderView>>, Refused> {
    let work = Box::pin(fail(&app, &buyer, body));
    match key {
        Some(key) => app.edge.once((buyer.id(), OPERATION, &key), work, recorded).await,
        None => work.await.map(Once::Fresh),
    }
}

fn recorded(Json(view): &Json<OrderView>) -> Option<Answer> {
    // A view is written as JSON in every answer; without a record a repeat does the work again.
    let body = serde_json::to_string(view).ok()?;
    Some(Answer { status: 200, body, location: None, version: None })
}

async fn fail(app: &App, buyer: &Active, body: FailPayment) -> Result<Json<OrderView>, Refused> {
    let order: Option<Order> = app.edge.table.get_now(keys::order(body.order_id)).await?;
    let order = order.filter(|order| order.buyer_id == buyer.id()).ok_or(NotLetGo::NotFound)?;
    let order = let_go(app, order, Some(body.code.as_str())).await?;
    Ok(Json(OrderView::of(order, &buyer.account, &app.terms)))
}
