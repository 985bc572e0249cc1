//! `GET /v1/orders/{orderId}/refund-quote`: what giving the order back now would bring, by our own rule and by law.
//!
//! Our rule gives everything before the deadline and nothing after it, where an admin may. The law's amount is
//! information: nothing is refunded by it.

use devloop_http::{Active, Json, Language, Path};
use domain::{
    ids::{OrderId, ProductId},
    money::Won,
    orders,
    statutory::{self, Row, Teaching},
    text::Title,
    time::Time,
};
use serde::Serialize;
use storage::{
    Error,
    items::{Order, OrderLine, Pwt},
};
use utoipa::ToSchema;

use crate::{
    App,
    paid::{self, NotPaid},
    rules,
};

/// What giving one line back would bring.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineQuote {
    /// Which product.
    product_id: ProductId,
    /// Its title when it was ordered.
    title: Title,
    /// What it cost.
    price: Won,
    /// Until when the buyer may give it back without asking anybody.
    cancelable_until: Time,
    /// What the buyer gets back without asking anybody: all of it until then, nothing after that. An admin may
    /// give more.
    granted: Won,
    /// What the law's table gives back, rounded up to a won.
    statutory: Won,
    /// By which row of the table.
    statutory_row: Row,
}

/// What giving an order back now would bring, for the lines that are left of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "asOf": "2026-12-28T00:00:00.000Z",
    "lines": [{
        "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 50000,
        "cancelableUntil": "2026-12-24T00:00:00.000Z", "granted": 0, "statutory": 50000, "statutoryRow": "BEFORE_START",
    }],
    "granted": 0, "statutory": 50000,
    "notice": "법정 금액은 「학원의 설립·운영 및 과외교습에 관한 법률 시행령」 별표 4에 따라 계산한 참고 정보이며, 법률 자문이 아닙니다.",
}))]
pub struct RefundQuote {
    order_id: OrderId,
    /// When it was true.
    as_of: Time,
    lines: Vec<LineQuote>,
    /// What the buyer gets back without asking anybody.
    granted: Won,
    /// What the law's table gives back.
    statutory: Won,
    /// What the law's amount is, and what it is not, in the reader's language.
    notice: String,
}

const NOTICE_KO: &str = "법정 금액은 「학원의 설립·운영 및 과외교습에 관한 법률 시행령」 별표 4에 따라 계산한 참고 정보이며, 법률 자문이 아닙니다.";
const NOTICE_EN: &str = "The statutory amount follows Table 4 of the Enforcement Decree of Korea's Act on Private \
                         Teaching Institutes. It is for information and is no legal advice.";

/// Computes a quote; nothing is kept of it.
pub async fn quote_refund(
    app: App,
    caller: Active,
    (Path(id), language): (Path<OrderId>, Language),
) -> Result<Json<RefundQuote>, NotPaid> {
    let order = paid::find(&app, &caller.account, id).await?;
    let pwts = paid::projects(&app, &order).await?;
    let as_of = app.edge.clock.now();
    let lines = quotes(&order, &pwts, as_of)?;
    let notice = match language {
        Language::Korean => NOTICE_KO,
        Language::English => NOTICE_EN,
    };
    Ok(Json(RefundQuote {
        order_id: order.id,
        as_of,
        granted: orders::total(lines.iter().map(|line| line.granted)),
        statutory: orders::total(lines.iter().map(|line| line.statutory)),
        lines,
        notice: notice.to_owned(),
    }))
}

fn quotes(order: &Order, pwts: &[Pwt], now: Time) -> Result<Vec<LineQuote>, Error> {
    let quote = |line: &OrderLine| {
        let pwt = pwts.iter().find(|pwt| ProductId::from(pwt.id) == line.product_id);
        // With a seat sold it cannot have been deleted.
        let pwt =
            pwt.ok_or_else(|| Error::Corrupt(format!("order {} has no product {}", order.id, line.product_id)))?;
        let price = line.price.won();
        let teaching = Teaching::Period { starts_at: pwt.starts_at, ends_at: pwt.ends_at, given_up_at: now };
        let by_law = statutory::refund(price, teaching);
        Ok(LineQuote {
            product_id: line.product_id,
            title: line.title.clone(),
            price,
            cancelable_until: pwt.deadline,
            granted: if rules::takes_back(pwt, now) { price } else { Won::ZERO },
            statutory: by_law.amount,
            statutory_row: by_law.row,
        })
    };
    order.kept().map(quote).collect()
}
