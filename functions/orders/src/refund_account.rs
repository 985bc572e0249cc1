//! The account that the money of a virtual account goes back to.
//!
//! A refund that nobody finished is sent again by the payment-reconciler, which needs the account for it. So it is
//! stored while the refund is at work, encrypted for this refund alone, and taken out by whatever ends it.

use std::fmt;

use deserr::Deserr;
use domain::{
    ids::RefundId,
    text::{AccountNumber, BankCode, HolderName},
    validation::FieldErrors,
};
use sealing::{Cipher, Unsealed};
use storage::items::{Order, Refund};
use utoipa::ToSchema;

use crate::App;

/// Toss's word for payments into virtual accounts.
const VIRTUAL_ACCOUNT: &str = "가상계좌";

/// Where the money is to go. Kept encrypted, until the refund has ended; never answered.
#[derive(Clone, PartialEq, Eq, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "bank": "88", "accountNumber": "110123456789", "holderName": "김개발" }))]
pub struct RefundAccount {
    /// Toss's code of the bank.
    bank: BankCode,
    /// Digits only.
    account_number: AccountNumber,
    /// As on the account.
    holder_name: HolderName,
}

impl fmt::Debug for RefundAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefundAccount(…)")
    }
}

impl RefundAccount {
    /// Encrypts it for one refund.
    pub fn seal(&self, app: &App, refund: RefundId) -> Result<String, Unsealed> {
        let text = serde_json::json!([self.bank.as_str(), self.account_number.expose(), self.holder_name.as_str()]);
        cipher(app).ok_or(Unsealed)?.seal(&text.to_string(), &owner(refund), &app.edge.rng)
    }

    /// Whether a refund goes there.
    pub fn is_of(&self, app: &App, refund: &Refund) -> Result<bool, storage::Error> {
        Ok(of(app, refund)?.is_some_and(|account| {
            account.bank == self.bank.as_str()
                && account.account_number == self.account_number.expose()
                && account.holder_name == self.holder_name.as_str()
        }))
    }
}

/// The account of a refund, if it has one.
pub fn of(app: &App, refund: &Refund) -> Result<Option<toss::RefundAccount>, storage::Error> {
    let Some(sealed) = &refund.account_cipher else { return Ok(None) };
    let unreadable = || storage::Error::Corrupt(format!("the account of refund {} cannot be read", refund.id));
    let opened = cipher(app).and_then(|cipher| cipher.open(sealed, &owner(refund.id)).ok()).ok_or_else(unreadable)?;
    let (bank, account_number, holder_name) = serde_json::from_str(&opened).map_err(|_tells_the_text| unreadable())?;
    Ok(Some(toss::RefundAccount { bank, account_number, holder_name }))
}

/// Whether Toss has to be told where an order's money goes back to.
pub fn is_needed(order: &Order) -> bool {
    method(order) == Some(VIRTUAL_ACCOUNT)
}

/// Whether an order's money may go back to an account: also where Toss did not say how it was paid.
pub fn is_taken(order: &Order) -> bool {
    order.payment.is_some() && method(order).is_none_or(|method| method == VIRTUAL_ACCOUNT)
}

/// Whether Toss refused a refund for the account that was given.
pub fn is_refused_by(code: &str) -> bool {
    code.starts_with("INVALID_REFUND_ACCOUNT_") || code == "INVALID_BANK"
}

fn method(order: &Order) -> Option<&str> {
    order.payment.as_ref()?.method.as_deref()
}

/// Workers that refund nothing have no key.
fn cipher(app: &App) -> Option<&Cipher> {
    app.cipher.as_ref()
}

fn owner(refund: RefundId) -> String {
    format!("REFUND#{refund}")
}
