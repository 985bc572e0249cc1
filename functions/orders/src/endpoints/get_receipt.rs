//! `GET /v1/orders/{orderId}/receipt`: what was bought and paid, as JSON or as a page to print.

use config::Supplier;
use devloop_http::{Active, Document, Negotiated, Path};
use domain::{
    accounts::Standing,
    ids::{OrderId, UserId},
    money::Won,
    orders::RefundState,
    text::WITHDRAWN,
    time::Time,
};
use serde::Serialize;
use storage::{
    Error, Query,
    items::{Refund, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    paid::{self, NotPaid},
    receipt,
    views::LineView,
};

/// Who sells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupplierView {
    /// 상호
    pub name: String,
    /// 대표자
    pub representative: String,
    /// 사업자등록번호
    pub registration_number: String,
    /// 통신판매업 신고번호
    pub mail_order_number: String,
    /// 사업장 주소
    pub address: String,
    /// 고객 문의
    pub contact: String,
}

/// Money that went back.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundView {
    /// When.
    pub refunded_at: Time,
    /// How much.
    pub amount: Won,
}

/// A receipt: of a paid order, whatever was given back of it since.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "orderId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "buyerName": "김개발", "paidAt": "2026-11-24T00:01:00.000Z",
    "issuedAt": "2026-11-25T00:00:00.000Z",
    "lines": [{ "productId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "러스트로 만드는 서버리스", "price": 50000, "returned": null }],
    "total": 50000, "refunds": [], "refunded": 0, "balance": 50000, "method": "카드", "cardReceiptUrl": null,
    "supplier": {
        "name": "주식회사 데브루프", "representative": "김대표", "registrationNumber": "000-00-00000",
        "mailOrderNumber": "제2026-서울강남-00000호", "address": "서울특별시 강남구 테헤란로 1", "contact": "help@devloop.kr",
    },
}))]
pub struct Receipt {
    /// Its number.
    pub order_id: OrderId,
    /// The buyer's username, as it is now.
    pub buyer_name: String,
    /// When it was paid.
    pub paid_at: Time,
    /// When this was made.
    pub issued_at: Time,
    /// What was bought.
    pub lines: Vec<LineView>,
    /// What was paid.
    pub total: Won,
    /// What went back, oldest first.
    pub refunds: Vec<RefundView>,
    /// The sum of it.
    pub refunded: Won,
    /// What is left of the total.
    pub balance: Won,
    /// How it was paid, in Korean, as Toss names it; none if nothing was to be paid.
    #[schema(required)]
    pub method: Option<String>,
    /// Toss's own receipt.
    #[schema(required)]
    pub card_receipt_url: Option<String>,
    /// Who sold it.
    pub supplier: SupplierView,
}

impl Document for Receipt {
    const MEDIA_TYPE: &'static str = "text/html";
    const FILE_NAME: Option<&'static str> = None;

    fn document(&self) -> String {
        receipt::page(self)
    }
}

/// The most refunds that are told: an order has at most ten lines to give back.
const REFUNDS: usize = 100;

/// Puts a receipt together; nothing is kept of it.
pub async fn get_receipt(app: App, caller: Active, Path(id): Path<OrderId>) -> Result<Negotiated<Receipt>, NotPaid> {
    let order = paid::find(&app, &caller.account, id).await?;
    let buyer_name = name_of(&app, &caller.account, order.buyer_id).await?;
    let refunds: Vec<Refund> = app.edge.table.all(&Query::partition(keys::order(id).pk, keys::REFUND), REFUNDS).await?;
    let done = refunds.into_iter().filter(|refund| refund.state == RefundState::Done);
    let refunds =
        done.filter_map(|refund| Some(RefundView { refunded_at: refund.ended_at?, amount: refund.amount })).collect();
    let balance = order.balance();
    let settlement = order.payment;
    Ok(Negotiated(Receipt {
        order_id: order.id,
        buyer_name,
        paid_at: order.paid_at.unwrap_or(order.created_at),
        issued_at: app.edge.clock.now(),
        lines: order.lines.into_iter().map(LineView::from).collect(),
        total: order.total,
        refunds,
        refunded: Won::new(order.total.get().saturating_sub(balance.get())).unwrap_or_default(),
        balance,
        method: settlement.as_ref().and_then(|settlement| settlement.method.clone()),
        card_receipt_url: settlement.and_then(|settlement| settlement.receipt_url),
        supplier: SupplierView::of(&app.terms.supplier),
    }))
}

/// The buyer's name: the caller's own, unless an admin asks.
async fn name_of(app: &App, caller: &User, buyer: UserId) -> Result<String, Error> {
    if caller.id == buyer {
        return Ok(caller.username.clone().into());
    }
    let buyer: Option<User> = app.edge.table.get(keys::user(buyer)).await?;
    let present = buyer.filter(|buyer| buyer.standing != Standing::Withdrawn);
    Ok(present.map_or_else(|| WITHDRAWN.to_owned(), |buyer| buyer.username.into()))
}

impl SupplierView {
    fn of(supplier: &Supplier) -> Self {
        let Supplier { name, representative, registration_number, mail_order_number, address, contact } =
            supplier.clone();
        Self { name, representative, registration_number, mail_order_number, address, contact }
    }
}
