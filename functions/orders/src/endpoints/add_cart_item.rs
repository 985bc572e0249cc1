//! `PUT /v1/cart/items/{productId}`: puts a product into the caller's cart.

use devloop_http::{Json, Path, SignedIn};
use domain::{
    ids::ProductId,
    refusal::{Details, Reason, Refusal},
};
use storage::{Write, WriteError, items::CartLine};

use super::create_order::{ALREADY_PURCHASED, NOT_FOR_SALE, OWN_PRODUCT, PRODUCT_NOT_FOUND};
use crate::{
    App,
    cart_view::CartView,
    products::{self, MAX_CART_LINES},
};

/// Why a product does not go into the cart.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such product")]
    NotFound,
    #[error("the caller leads it")]
    OwnProduct,
    #[error("already purchased")]
    AlreadyPurchased,
    #[error("its sale is over")]
    NotForSale,
    #[error("the cart is full")]
    CartFull,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

const CART_FULL: Reason = Reason::conflict("CART_FULL", "장바구니가 가득 찼습니다.", "The cart is full.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[PRODUCT_NOT_FOUND, OWN_PRODUCT, ALREADY_PURCHASED, NOT_FOR_SALE, CART_FULL];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PRODUCT_NOT_FOUND,
            Self::OwnProduct => OWN_PRODUCT,
            Self::AlreadyPurchased => ALREADY_PURCHASED,
            Self::NotForSale => NOT_FOR_SALE,
            Self::CartFull => CART_FULL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// Puts it in; what is in already stays as it is. A sale that has yet to open is no obstacle:
/// people fill their carts before it does.
pub async fn add_cart_item(
    app: App,
    buyer: SignedIn,
    Path(product): Path<ProductId>,
) -> Result<Json<CartView>, Refused> {
    let now = app.edge.clock.now();
    let facts = products::facts(&app, buyer.id, &[product]).await?.into_iter().next().unwrap_or_default();
    let pwt = facts.public().ok_or(Refused::NotFound)?;
    if pwt.tutor_id == buyer.id {
        return Err(Refused::OwnProduct);
    }
    if facts.purchase.is_some() {
        return Err(Refused::AlreadyPurchased);
    }
    if !pwt.on_sale || pwt.deadline <= now {
        return Err(Refused::NotForSale);
    }
    let cart = products::cart(&app, buyer.id).await?;
    let inside = cart.iter().any(|line| line.product_id == product);
    if !inside && cart.len() >= MAX_CART_LINES {
        return Err(Refused::CartFull);
    }
    let line = CartLine { user_id: buyer.id, product_id: product, price: pwt.price, added_at: now };
    match app.edge.table.write(Write::put(&line).if_absent()).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(Json(CartView::read(&app, buyer.id).await?)),
        Err(WriteError::Storage(error)) => Err(error.into()),
    }
}
