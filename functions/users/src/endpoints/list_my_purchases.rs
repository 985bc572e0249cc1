//! `GET /v1/users/me/purchases`: what the caller bought, newest first.

use devloop_http::{Json, ListRefused, ListScope, ListView, Paging, Query, SignedIn};
use domain::{
    ids::{OrderId, ProductId},
    money::Price,
    text::Title,
    time::Time,
};
use serde::Serialize;
use storage::{items::Purchase, keys};
use utoipa::ToSchema;

use crate::App;

/// Something that was bought, as it was then.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z",
    "title": "러스트로 만드는 서버리스", "price": 50000, "purchasedAt": "2026-11-24T00:00:00.000Z",
}))]
pub struct PurchaseView {
    product_id: ProductId,
    order_id: OrderId,
    title: Title,
    price: Price,
    purchased_at: Time,
}

impl PurchaseView {
    fn of(purchase: Purchase) -> Self {
        let Purchase { product_id, order_id, title, price, purchased_at, .. } = purchase;
        Self { product_id, order_id, title, price, purchased_at }
    }
}

/// Reads a page.
pub async fn list_my_purchases(
    app: App,
    caller: SignedIn,
    Query(paging): Query<Paging>,
) -> Result<Json<ListView<PurchaseView>>, ListRefused> {
    let scope = ListScope::new("list_my_purchases", caller.id, ());
    let after = app.position(&scope, paging.cursor())?;
    let query = storage::Query::index("gsi2", keys::purchases_of(caller.id)).newest_first();
    let page = app.table.page(&query, after, paging.limit(), |purchase: &Purchase| !purchase.refunding).await?;
    Ok(Json(app.list(&scope, page.map(PurchaseView::of))))
}
