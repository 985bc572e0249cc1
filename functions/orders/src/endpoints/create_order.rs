//! `POST /v1/orders`: holds every seat it needs, all or none, and fixes the prices.

use deserr::Deserr;
use devloop_http::{Active, Created, IdempotencyKey, Idempotent, Once};
use domain::{
    ids::{OrderId, ProductId},
    money::Won,
    orders::{HOLD_SECONDS, MAX_LINES, State},
    refusal::{Details, Kind, Reason, Refusal},
    time::Time,
    validation::{FieldErrors, Invalid},
};
use serde_json::json;
use storage::{
    items::{Order, OrderLine, Pwt, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    edges::{self, NotMoved},
    hints,
    holds::{self, NotHeld},
    products,
    rules::{self, Facts, Obstacle},
    views::OrderView,
};

/// What is ordered: the cart, or these products.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "productIds": ["01KB2M3N4P5Q6R7S8T9V0W1X2Z"], "expectedTotal": 50000 }))]
pub struct CreateOrder {
    /// Everything in the cart.
    #[deserr(default)]
    from_cart: Option<bool>,
    /// 1 to 10 distinct products.
    #[deserr(default)]
    product_ids: Option<Vec<ProductId>>,
    /// What the buyer was shown; another total is refused.
    #[deserr(default)]
    expected_total: Option<Won>,
}

/// Why nothing was ordered.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error("a product is named twice: {0}")]
    DuplicateProduct(ProductId),
    #[error("some products cannot be ordered: {0:?}")]
    Obstacles(Vec<(ProductId, Obstacle)>, Time),
    #[error("the total is {0}, not the expected one")]
    TotalChanged(Won),
    #[error("the total {0} is above the limit")]
    TotalTooHigh(Won),
    #[error("the account is not in use")]
    NotActive,
    #[error("the key has a record meanwhile")]
    Repeat,
    #[error(transparent)]
    Key(#[from] devloop_http::KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const DUPLICATE_PRODUCT: Reason = Reason::new(
    Kind::Invalid,
    "DUPLICATE_PRODUCT",
    "같은 상품을 두 번 주문할 수 없습니다.",
    "A product is named twice.",
);
pub(super) const PRODUCT_NOT_FOUND: Reason =
    Reason::not_found("PRODUCT_NOT_FOUND", "상품을 찾을 수 없습니다.", "There is no such product.");
pub(super) const OWN_PRODUCT: Reason =
    Reason::conflict("OWN_PRODUCT", "자신의 상품은 구매할 수 없습니다.", "You cannot buy your own product.");
pub(super) const ALREADY_PURCHASED: Reason =
    Reason::conflict("ALREADY_PURCHASED", "이미 구매한 상품입니다.", "You have this product already.");
const ORDER_OPEN: Reason = Reason::conflict(
    "ORDER_OPEN",
    "결제를 기다리는 주문이 이미 있습니다.",
    "You have an unpaid order of this product; pay or cancel it first.",
);
const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "결제하지 않은 주문이 반복되어 잠시 주문할 수 없습니다.",
    "You let this product expire unpaid too often; please wait.",
);
pub(super) const NOT_FOR_SALE: Reason =
    Reason::conflict("NOT_FOR_SALE", "지금은 판매하지 않는 상품입니다.", "This product is not on sale now.");
const PRICE_CHANGED: Reason =
    Reason::conflict("PRICE_CHANGED", "가격이 변경되었습니다.", "The price has changed since you saw it.");
const SEAT_SOLD_OUT: Reason = Reason::conflict("SEAT_SOLD_OUT", "남은 자리가 없습니다.", "No seat is left.");
const TOTAL_TOO_HIGH: Reason = Reason::conflict(
    "TOTAL_TOO_HIGH",
    "한 번에 주문할 수 있는 금액을 넘었습니다.",
    "The total exceeds what one order may cost.",
);
pub(super) const NOT_ACTIVE: Reason =
    Reason::new(Kind::Unauthenticated, "UNAUTHENTICATED", "로그인이 필요합니다.", "Please log in.");

fn reason_of(obstacle: Obstacle) -> Reason {
    match obstacle {
        Obstacle::NotFound => PRODUCT_NOT_FOUND,
        Obstacle::OwnProduct => OWN_PRODUCT,
        Obstacle::AlreadyPurchased => ALREADY_PURCHASED,
        Obstacle::Open { .. } => ORDER_OPEN,
        Obstacle::Blocked { .. } => TOO_MANY_REQUESTS,
        Obstacle::NotForSale => NOT_FOR_SALE,
        Obstacle::PriceChanged => PRICE_CHANGED,
        Obstacle::SoldOut { .. } => SEAT_SOLD_OUT,
    }
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        Reason::VALIDATION_FAILED,
        DUPLICATE_PRODUCT,
        PRODUCT_NOT_FOUND,
        OWN_PRODUCT,
        ALREADY_PURCHASED,
        ORDER_OPEN,
        TOO_MANY_REQUESTS,
        NOT_FOR_SALE,
        PRICE_CHANGED,
        SEAT_SOLD_OUT,
        TOTAL_TOO_HIGH,
        NOT_ACTIVE,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::Fields(error) => error.reason(),
            Self::DuplicateProduct(_) => DUPLICATE_PRODUCT,
            Self::Obstacles(obstacles, _) => {
                obstacles.iter().map(|(_, obstacle)| *obstacle).min().map_or(Reason::INTERNAL, reason_of)
            }
            Self::TotalChanged(_) => PRICE_CHANGED,
            Self::TotalTooHigh(_) => TOTAL_TOO_HIGH,
            Self::NotActive => NOT_ACTIVE,
            // Only if that record ended in this very moment: trying again tells.
            Self::Repeat => Reason::BUSY,
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Fields(error) => error.details(),
            Self::DuplicateProduct(product) => Details::default().with("productId", product.to_string()),
            Self::Obstacles(obstacles, now) => obstacles_told(obstacles, *now),
            Self::TotalChanged(total) => Details::default().with("total", total.get()),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            Self::TotalTooHigh(_) | Self::NotActive | Self::Repeat | Self::Unwritable(_) => Details::default(),
        }
    }
}

/// All failing lines, and what may be done about the first.
fn obstacles_told(obstacles: &[(ProductId, Obstacle)], now: Time) -> Details {
    let line = |(product, obstacle): &(ProductId, Obstacle)| {
        let code = reason_of(*obstacle).code;
        match obstacle {
            Obstacle::SoldOut { held, hold_until } => {
                json!({ "productId": product, "code": code, "held": held, "holdUntil": hold_until })
            }
            Obstacle::Open { order, hold_until } => {
                json!({ "productId": product, "code": code, "orderId": order, "holdUntil": hold_until })
            }
            _ => json!({ "productId": product, "code": code }),
        }
    };
    let first = obstacles.iter().map(|(_, obstacle)| *obstacle).min();
    let again = match first {
        Some(Obstacle::Open { hold_until, .. }) => Some(edges::expiry(hold_until)),
        Some(Obstacle::Blocked { until }) => Some(until),
        Some(Obstacle::SoldOut { hold_until, .. }) => hold_until,
        _ => None,
    };
    let lines: Vec<_> = obstacles.iter().map(line).collect();
    let retry_after = again.map(|again| now.seconds_until(again).max(1));
    Details { retry_after, ..Details::default() }.with("lines", lines)
}

const OPERATION: &str = "create_order";

/// Orders, once for each key.
pub async fn create_order(
    app: App,
    buyer: Active,
    Idempotent { key, body }: Idempotent<CreateOrder>,
) -> Result<Once<Created<OrderView>>, Refused> {
    let refused = match order(&app, &buyer.account, &key, body).await {
        Ok(created) => return Ok(Once::Fresh(created)),
        Err(refused) => refused,
    };
    // What stands in the way may be this very request's first success.
    if let Some(answer) = app.edge.replay(buyer.id(), OPERATION, &key).await? {
        return Ok(Once::Replayed(answer));
    }
    if let Refused::Obstacles(obstacles, _) = &refused {
        remember_sold_out(&app, obstacles).await;
    }
    Err(refused)
}

async fn order(
    app: &App,
    buyer: &User,
    key: &IdempotencyKey,
    body: CreateOrder,
) -> Result<Created<OrderView>, Refused> {
    let now = app.edge.clock.now();
    let expected = body.expected_total;
    let products = wanted(app, buyer, body).await?;
    let facts = read_facts(app, buyer, &products, now).await?;
    let obstacles =
        products.iter().zip(&facts).filter_map(|(product, facts)| Some((*product, facts.obstacle(buyer.id, now)?)));
    let obstacles: Vec<_> = obstacles.collect();
    if !obstacles.is_empty() {
        return Err(Refused::Obstacles(obstacles, now));
    }
    let pwts: Vec<Pwt> = facts.into_iter().filter_map(|facts| facts.pwt).collect();
    let order = new_order(app, buyer, &pwts, now);
    if expected.is_some_and(|expected| expected != order.total) {
        return Err(Refused::TotalChanged(order.total));
    }
    if order.total.get() > app.terms.max_total {
        return Err(Refused::TotalTooHigh(order.total));
    }
    // The answer does not depend on the shards, so its record can be written with the order.
    let location = format!("/v1/orders/{}", order.id);
    let view = OrderView::of(order.clone(), buyer, &app.terms);
    let created = Created { location, version: None, body: view };
    let answer = created.recorded()?;
    let record = |_: &Order| key.succeed(buyer.id, OPERATION, answer.clone(), now);
    holds::hold(app, order, &pwts, record, now).await.map_err(|not_held| match not_held {
        NotHeld::Repeat => Refused::Repeat,
        NotHeld::NotActive => Refused::NotActive,
        NotHeld::Obstacles(obstacles) => Refused::Obstacles(obstacles, now),
        NotHeld::Storage(error) => Refused::Storage(error),
    })?;
    Ok(created)
}

/// The products to order: 1 to 10, distinct.
async fn wanted(app: &App, buyer: &User, body: CreateOrder) -> Result<Vec<ProductId>, Refused> {
    let invalid =
        |field: &str, ko: &'static str, en: &'static str| FieldErrors::one(field, Invalid::new("LINES", ko, en));
    let (products, field) = match (body.from_cart, body.product_ids) {
        (Some(true), None) => {
            (products::cart(app, buyer.id).await?.into_iter().map(|line| line.product_id).collect(), "fromCart")
        }
        (None | Some(false), Some(products)) => (products, "productIds"),
        _ => {
            let either = invalid(
                "",
                "fromCart: true 또는 productIds 중 하나만 지정하세요.",
                "give either fromCart: true or productIds",
            );
            return Err(either.into());
        }
    };
    if let Some(product) = rules::duplicate(&products) {
        return Err(Refused::DuplicateProduct(product));
    }
    if !(1..=MAX_LINES).contains(&products.len()) {
        return Err(
            invalid(field, "한 번에 1~10개의 상품을 주문할 수 있습니다.", "an order has 1 to 10 products").into()
        );
    }
    Ok(products)
}

/// What is known of the products; overdue orders that hold them are let go first.
async fn read_facts(app: &App, buyer: &User, products: &[ProductId], now: Time) -> Result<Vec<Facts>, Refused> {
    let mut facts = products::facts(app, buyer.id, products).await?;
    let overdue: std::collections::BTreeSet<OrderId> = facts.iter().filter_map(|facts| facts.overdue(now)).collect();
    if overdue.is_empty() {
        return Ok(facts);
    }
    for id in overdue {
        let order: Option<Order> = app.edge.table.get_now(keys::order(id)).await?;
        let Some(order) = order.filter(|order| order.state == State::Pending) else { continue };
        match edges::expire(app, &order, now).await {
            // If somebody else moved it, the facts that are read next tell.
            Ok(()) | Err(NotMoved::Lost(_)) => {}
            Err(NotMoved::Storage(error)) => return Err(error.into()),
        }
    }
    facts = products::facts(app, buyer.id, products).await?;
    Ok(facts)
}

fn new_order(app: &App, buyer: &User, pwts: &[Pwt], now: Time) -> Order {
    let total = holds::total(pwts);
    let free = total == Won::ZERO;
    let hold_until = now.plus_seconds(HOLD_SECONDS);
    let line = |pwt: &Pwt| OrderLine {
        product_id: pwt.id.into(),
        title: pwt.title.clone(),
        price: pwt.price,
        shard: 0,
        tutor_id: pwt.tutor_id,
        fee: app.terms.commission.of(pwt.price),
        returned: None,
    };
    Order {
        id: app.edge.ids.id(),
        buyer_id: buyer.id,
        state: if free { State::Paid } else { State::Pending },
        lines: pwts.iter().map(line).collect(),
        total,
        created_at: now,
        hold_until,
        payment_key: None,
        attempt: 0,
        refused_keys: vec![],
        void: None,
        due: (!free).then(|| edges::expiry(hold_until)),
        next_check_at: None,
        paid_at: free.then_some(now),
        payment: None,
        failure: None,
        open_refund: None,
        refunds: 0,
        setbacks: 0,
        refund_request: None,
        deposit: None,
    }
}

/// Lists should know of what was just found out; nothing depends on it.
async fn remember_sold_out(app: &App, obstacles: &[(ProductId, Obstacle)]) {
    for (product, obstacle) in obstacles {
        if let Obstacle::SoldOut { .. } = obstacle
            && let Err(error) = hints::refresh_one(app, (*product).into()).await
        {
            tracing::warn!(%product, %error, "a hint was not refreshed");
        }
    }
}
