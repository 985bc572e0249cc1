//! Reading what a cart or an order is about.

use std::collections::HashMap;

use domain::ids::{ProductId, UserId};
use storage::{
    Error, Query, Stored, decode,
    items::{CartLine, Lapses, OpenOrder, Purchase, Pwt},
    keys,
};

use crate::{App, rules::Facts};

/// The most lines that a cart holds.
pub const MAX_CART_LINES: usize = 50;

/// The lines of a cart, as they are now.
pub async fn cart(app: &App, user: UserId) -> Result<Vec<CartLine>, Error> {
    let mut lines: Vec<CartLine> =
        app.edge.table.all(&Query::partition(keys::user_partition(user), keys::CART_LINE), MAX_CART_LINES).await?;
    lines.sort_by_key(|line| (line.added_at, line.product_id));
    Ok(lines)
}

/// What is known of each product for `user`, in the order asked for, from one consistent batch.
pub async fn facts(app: &App, user: UserId, products: &[ProductId]) -> Result<Vec<Facts>, Error> {
    let wanted = products.iter().flat_map(|product| {
        [
            keys::pwt((*product).into()),
            keys::purchase(user, *product),
            keys::open_order(user, *product),
            keys::lapses(user, *product),
        ]
    });
    let mut known: HashMap<ProductId, Facts> = HashMap::new();
    for item in app.edge.table.get_mixed_now(wanted).await? {
        let kind = item.get("type").and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default();
        match kind.as_str() {
            Pwt::TYPE => {
                let pwt: Pwt = decode(item)?;
                let facts = known.entry(pwt.id.into()).or_default();
                facts.pwt = Some(pwt);
            }
            Purchase::TYPE => {
                let purchase: Purchase = decode(item)?;
                let facts = known.entry(purchase.product_id).or_default();
                facts.purchase = Some(purchase);
            }
            OpenOrder::TYPE => {
                let open: OpenOrder = decode(item)?;
                let facts = known.entry(open.product_id).or_default();
                facts.open = Some(open);
            }
            Lapses::TYPE => {
                let lapses: Lapses = decode(item)?;
                let facts = known.entry(lapses.product_id).or_default();
                facts.lapses = Some(lapses);
            }
            other => return Err(Error::Corrupt(format!("expected facts of a product, found {other}"))),
        }
    }
    Ok(products.iter().map(|product| known.remove(product).unwrap_or_default()).collect())
}
