//! `DELETE /v1/cart/items/{productId}`: takes a product out of the caller's cart.

use devloop_http::{NoContent, Path, SignedIn};
use domain::ids::ProductId;
use storage::{Write, WriteError, keys};

use crate::App;

/// Takes it out; what is not in it is out already.
pub async fn remove_cart_item(
    app: App,
    buyer: SignedIn,
    Path(product): Path<ProductId>,
) -> Result<NoContent, storage::Error> {
    match app.edge.table.write(Write::delete(keys::cart_line(buyer.id, product))).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(NoContent),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
