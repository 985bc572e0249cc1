//! `GET /v1/admin/refund-requests`: the requests that wait for an admin, oldest first, with their orders.

use std::collections::BTreeSet;

use devloop_http::{Admin, Json, ListRefused, ListScope, ListView, Paging, Query};
use domain::{
    ids::{OrderId, RefundRequestId},
    text::Reason,
    time::Time,
};
use serde::Serialize;
use storage::{
    Error,
    items::{Order, RefundRequest},
    keys,
};
use utoipa::ToSchema;

use crate::{App, views::AdminOrder};

/// A request that waits for an admin. `cancel_order` of its order, by an admin, answers it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X31", "reason": "프로젝트가 약속과 다르게 진행됩니다.", "createdAt": "2026-12-28T00:00:00.000Z",
    "order": {
        "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "buyerId": "01KB2M3N4P5Q6R7S8T9V0W1X2V", "state": "PAID",
        "lines": [{ "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 50000, "returned": null }],
        "total": 50000, "refundable": 50000, "createdAt": "2026-11-24T00:00:00.000Z", "paidAt": "2026-11-24T00:01:00.000Z",
        "settlement": { "method": "카드", "receiptUrl": null, "partialRefunds": true },
        "failure": null, "voidReason": null, "openRefund": null, "refundRequest": "01KB2M3N4P5Q6R7S8T9V0W1X31",
        "due": null, "setbacks": 0,
    },
}))]
pub struct OpenRefundRequest {
    id: RefundRequestId,
    /// The buyer's words.
    reason: Reason,
    created_at: Time,
    /// What it is about.
    order: AdminOrder,
}

/// Reads a page, and its orders in one batch.
pub async fn list_refund_requests(
    app: App,
    _: Admin,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<OpenRefundRequest>>, ListRefused> {
    let scope = ListScope::new("list_refund_requests", "admin", ());
    let after = app.edge.position(&scope, paging.cursor())?;
    let open = storage::Query::index("gsi1", keys::OPEN_REFUND_REQUESTS);
    let page = app.edge.table.page(&open, after, paging.limit(), |_: &RefundRequest| true).await?;
    // The index may be behind and show two of one order.
    let orders: BTreeSet<OrderId> = page.items.iter().map(|request| request.order_id).collect();
    let orders = app.edge.table.get_all(orders.into_iter().map(keys::order)).await?;
    let view = |request: RefundRequest| {
        let order = orders.iter().find(|order: &&Order| order.id == request.order_id).cloned();
        let order = order.ok_or_else(|| Error::Corrupt(format!("request {} has no order", request.id)))?;
        let RefundRequest { id, reason, created_at, .. } = request;
        Ok(OpenRefundRequest { id, reason, created_at, order: order.into() })
    };
    let items = page.items.into_iter().map(view).collect::<Result<_, Error>>()?;
    Ok(Json(app.edge.list(&scope, storage::Page { items, next: page.next })))
}
