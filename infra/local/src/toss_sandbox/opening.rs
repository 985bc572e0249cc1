//! What a payment is opened with, by the window or by a test.

use clock::Ids;
use domain::time::Time;
use toss::Status;
use url::Url;

use super::charge::{Charge, DEPOSIT_HOURS, LONGEST_DEPOSIT_HOURS, METHODS, Outcome};

/// The facts of a new payment, as somebody claims them.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub order_id: String,
    pub order_name: String,
    pub amount: i64,
    pub customer_key: Option<String>,
    pub same_pair: bool,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// How many hours a virtual account waits; Toss's default if absent.
    pub valid_hours: Option<i64>,
}

impl Opening {
    /// A payment that waits for its buyer, or what is wrong with the facts.
    pub fn open(self, ids: &Ids, now: Time) -> Result<Charge, &'static str> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        if !(6..=64).contains(&self.order_id.len()) || !self.order_id.bytes().all(named) {
            return Err("orderId: 6 to 64 of A-Z a-z 0-9 - _ =");
        }
        if !(1..=100).contains(&self.order_name.chars().count()) {
            return Err("orderName: 1 to 100 characters");
        }
        if !(1..=1_000_000_000_000).contains(&self.amount) {
            return Err("amount: a whole number of won, at least 1");
        }
        if self.customer_key.as_deref().is_some_and(|key| !is_customer_key(key)) {
            return Err("customerKey: 2 to 300 of A-Z a-z 0-9 - _ = . @");
        }
        if [&self.success_url, &self.fail_url].into_iter().flatten().any(|url| !is_on_the_web(url)) {
            return Err("successUrl and failUrl: http or https");
        }
        let valid_hours = self.valid_hours.unwrap_or(DEPOSIT_HOURS);
        if !(1..=LONGEST_DEPOSIT_HOURS).contains(&valid_hours) {
            return Err("validHours: 1 to 2160");
        }
        let [default_method, ..] = METHODS;
        Ok(Charge {
            payment_key: format!("tsandbox_{}", ids.token()),
            order_id: self.order_id,
            order_name: self.order_name,
            customer_key: self.customer_key,
            same_pair: self.same_pair,
            method: default_method.to_owned(),
            total: self.amount,
            balance: self.amount,
            status: Status::Ready,
            secret: format!("ps_{}", ids.token()),
            outcome: Outcome::Approve,
            created_at: now,
            authenticated_at: None,
            valid_hours,
            account_at: None,
            approved_at: None,
            success_url: self.success_url,
            fail_url: self.fail_url,
            failure: None,
            movements: Vec::new(),
        })
    }
}

fn is_customer_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'.' | b'@');
    (2..=300).contains(&key.len()) && key.bytes().all(allowed)
}

fn is_on_the_web(url: &str) -> bool {
    url.len() <= 2_000 && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
