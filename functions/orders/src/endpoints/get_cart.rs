//! `GET /v1/cart`: the caller's cart, at current prices.

use devloop_http::{Json, SignedIn};

use crate::{App, cart_view::CartView};

/// Shows the cart.
pub async fn get_cart(app: App, buyer: SignedIn, (): ()) -> Result<Json<CartView>, storage::Error> {
    Ok(Json(CartView::read(&app, buyer.id).await?))
}
