//! The list that accounts are matched against.

use domain::time::Time;
use serde_json::Value;

use crate::{
    payment::{Status, Unreadable},
    reading,
};

/// One movement of money: a capture or a cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Names the movement; the cursor of the list.
    pub transaction_key: String,
    /// The payment that it belongs to.
    pub payment_key: String,
    /// The merchant's name of the order.
    pub order_id: String,
    /// The payment's state after the movement.
    pub status: Status,
    /// Won moved. Judge by `status` whether it came or went: the sign of cancels is not documented.
    pub amount: i64,
    /// ISO 4217, normally `KRW`.
    pub currency: String,
    /// How it was paid, in Korean.
    pub method: Option<String>,
    /// When.
    pub transaction_at: Option<Time>,
}

impl Transaction {
    /// Reads the whole list or nothing: a left-out entry could be the charge that nobody knows of.
    pub(crate) fn parse_list(json: &[u8]) -> Result<Vec<Self>, Unreadable> {
        let value: Value = serde_json::from_slice(json).map_err(|_not_json| Unreadable("not JSON"))?;
        value.as_array().ok_or(Unreadable("not a list"))?.iter().map(Self::from_value).collect()
    }

    fn from_value(value: &Value) -> Result<Self, Unreadable> {
        let object = value.as_object().ok_or(Unreadable("not an object"))?;
        let payment_key = reading::text(object, "paymentKey", 200)
            .filter(|key| crate::is_payment_key(key))
            .ok_or(Unreadable("paymentKey"))?;
        Ok(Self {
            transaction_key: reading::text(object, "transactionKey", 64).ok_or(Unreadable("transactionKey"))?,
            payment_key,
            order_id: reading::text(object, "orderId", 64).ok_or(Unreadable("orderId"))?,
            status: reading::text(object, "status", 64).map(Status::from).ok_or(Unreadable("status"))?,
            amount: reading::amount(object, "amount").ok_or(Unreadable("amount"))?,
            currency: reading::text(object, "currency", 8).ok_or(Unreadable("currency"))?,
            method: reading::text(object, "method", 100),
            transaction_at: reading::time(object, "transactionAt"),
        })
    }
}
