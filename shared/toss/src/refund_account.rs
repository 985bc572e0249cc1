//! Where the money of a virtual account goes back to.

use std::fmt;

use serde_json::{Value, json};

/// The account that a deposit is paid back to. Neither its number nor its holder is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RefundAccount {
    /// Toss's code of the bank.
    pub bank: String,
    /// 1 to 20 digits.
    pub account_number: String,
    /// Whose it is, 1 to 60 characters.
    pub holder_name: String,
}

impl RefundAccount {
    /// Whether Toss could take it.
    pub(crate) fn is_sendable(&self) -> bool {
        (1..=20).contains(&self.account_number.len())
            && self.account_number.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=60).contains(&self.holder_name.chars().count())
            && !self.bank.is_empty()
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "bank": self.bank, "accountNumber": self.account_number, "holderName": self.holder_name })
    }
}

impl fmt::Debug for RefundAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefundAccount(…)")
    }
}
