//! `GET /v1/admin/ledger`: the entries of one day in Korea, oldest first.

use deserr::Deserr;
use devloop_http::{Admin, Cursor, Json, Limit, ListRefused, ListScope, ListView, Query};
use domain::{
    calendar::Day,
    ids::{OrderId, ProductId, UserId},
    ledger::{Occasion, Posting},
    time::Time,
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{items::LedgerEntry, keys};
use utoipa::ToSchema;

use crate::App;

/// Which entries.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct Filter {
    /// Today unless said otherwise.
    #[deserr(default)]
    day: Option<Day>,
    #[deserr(default)]
    limit: Option<Limit>,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// One entry: its postings sum to zero.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "id": "SALE#01KB2M3N4P5Q6R7S8T9V0W1X2Z", "occasion": "SALE",
    "createdAt": "2026-11-24T00:01:00.000Z", "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "tutorId": "01KB2M3N4P5Q6R7S8T9V0W1X2T",
    "postings": [
        { "account": "TOSS_CLEARING", "amount": 50000 },
        { "account": "TUTOR_PAYABLE", "amount": -45000 },
        { "account": "PLATFORM_FEE", "amount": -5000 },
    ],
}))]
pub struct EntryView {
    /// Of which order.
    order_id: OrderId,
    /// What it is about within the order.
    id: String,
    /// Why it was made.
    occasion: Occasion,
    created_at: Time,
    /// Which line; none for a charge as a whole.
    #[schema(required)]
    product_id: Option<ProductId>,
    /// Whose sale; none for a charge that was voided.
    #[schema(required)]
    tutor_id: Option<UserId>,
    postings: Vec<Posting>,
}

/// Reads a page.
pub async fn list_ledger(
    app: App,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<ListView<EntryView>>, ListRefused> {
    let day = filter.day.unwrap_or_else(|| Day::of(app.edge.clock.now())).to_string();
    let scope = ListScope::new("list_ledger", "admin", &day);
    let after = app.edge.position(&scope, filter.cursor.as_ref())?;
    let entries = storage::Query::index("gsi1", keys::ledger_day(&day));
    let limit = filter.limit.unwrap_or_default().get();
    let page = app.edge.table.page(&entries, after, limit, |_: &LedgerEntry| true).await?;
    let view = |LedgerEntry { order_id, id, occasion, created_at, product_id, tutor_id, postings }| EntryView {
        order_id,
        id,
        occasion,
        created_at,
        product_id,
        tutor_id,
        postings,
    };
    Ok(Json(app.edge.list(&scope, page.map(view))))
}
