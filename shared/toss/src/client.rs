//! The calls.

use std::sync::Arc;

use bytes::Bytes;
use domain::{money::Won, time::Time};
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    failure::{Failure, Operation, classify},
    https::{Https, NoClient},
    payment::{Payment, Unreadable},
    refund_account::RefundAccount,
    secret_key::SecretKey,
    transaction::Transaction,
    transport::{TimeOut, Transport},
};

/// Characters in a payment key at most: <https://docs.tosspayments.com/reference>.
pub const LONGEST_PAYMENT_KEY: usize = 200;
/// Characters in an idempotency key at most:
/// <https://docs.tosspayments.com/reference/using-api/authorization>.
pub const LONGEST_IDEMPOTENCY_KEY: usize = 300;
/// Transactions in one list at most. Toss allows more; these fit into one answer.
pub const MOST_TRANSACTIONS: u32 = 1_000;

const LONGEST_ORDER_ID: usize = 64;
const LONGEST_REASON: usize = 200;

/// Whether `text` can be a payment key: 1 to 200 visible ASCII characters, and no step in a path.
pub fn is_payment_key(text: &str) -> bool {
    is_segment(text, LONGEST_PAYMENT_KEY)
}

/// Whether `text` survives as one segment of a path. Dots alone would climb to another resource.
fn is_segment(text: &str, longest: usize) -> bool {
    is_visible(text, longest) && !matches!(text, "." | "..")
}

fn is_visible(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A merchant's access to Toss.
#[derive(Clone, Debug)]
pub struct Toss {
    base_url: Url,
    secret_key: SecretKey,
    transport: Arc<dyn Transport>,
}

impl Toss {
    /// Speaks to whatever answers at `base_url` (in production `https://api.tosspayments.com`).
    pub fn new(base_url: Url, secret_key: SecretKey, transport: Arc<dyn Transport>) -> Self {
        Self { base_url, secret_key, transport }
    }

    /// The same over the network.
    pub fn over_https(base_url: Url, secret_key: SecretKey) -> Result<Self, NoClient> {
        Ok(Self::new(base_url, secret_key, Arc::new(Https::new()?)))
    }

    /// `POST /v1/payments/confirm`: takes the money of an authenticated payment.
    ///
    /// Toss remembers the answer by `idempotency_key` alone and not by the body, so the key must
    /// name order and attempt. A success may also be [`crate::Status::WaitingForDeposit`].
    pub async fn confirm(
        &self,
        idempotency_key: &str,
        payment_key: &str,
        order_id: &str,
        amount: Won,
    ) -> Result<Payment, Failure> {
        require(is_payment_key(payment_key), "the payment key")?;
        require(is_segment(order_id, LONGEST_ORDER_ID), "the order id")?;
        let url = self.url(&["v1", "payments", "confirm"])?;
        let body = json!({ "paymentKey": payment_key, "orderId": order_id, "amount": amount.get() });
        self.post(Operation::Confirm, url, idempotency_key, &body).await
    }

    /// `GET /v1/payments/{paymentKey}`.
    pub async fn payment(&self, payment_key: &str) -> Result<Payment, Failure> {
        require(is_payment_key(payment_key), "the payment key")?;
        about(self.query(self.url(&["v1", "payments", payment_key])?).await?, payment_key)
    }

    /// `GET /v1/payments/orders/{orderId}`. An order may have been tried with several payments;
    /// which of them Toss shows is not documented.
    pub async fn payment_of_order(&self, order_id: &str) -> Result<Payment, Failure> {
        require(is_segment(order_id, LONGEST_ORDER_ID), "the order id")?;
        self.query(self.url(&["v1", "payments", "orders", order_id])?).await
    }

    /// `POST /v1/payments/{paymentKey}/cancel`: gives `amount` back, or all that is left.
    ///
    /// `reason` is 1 to 200 characters. `refundable` is what the caller believes to be left: Toss
    /// then refuses if it is another amount, and the answer is [`Failure::BalanceMoved`].
    pub async fn cancel(
        &self,
        idempotency_key: &str,
        payment_key: &str,
        reason: &str,
        amount: Option<Won>,
        refundable: Option<Won>,
    ) -> Result<Payment, Failure> {
        self.cancel_to(idempotency_key, payment_key, reason, amount, refundable, None).await
    }

    /// The same of money that came into a virtual account, which goes to another account of the buyer's: Toss
    /// refuses to cancel a deposit without `account`.
    pub async fn cancel_to(
        &self,
        idempotency_key: &str,
        payment_key: &str,
        reason: &str,
        amount: Option<Won>,
        refundable: Option<Won>,
        account: Option<&RefundAccount>,
    ) -> Result<Payment, Failure> {
        require(is_payment_key(payment_key), "the payment key")?;
        require(account.is_none_or(RefundAccount::is_sendable), "the refund account")?;
        require((1..=LONGEST_REASON).contains(&reason.chars().count()), "the reason")?;
        let url = self.url(&["v1", "payments", payment_key, "cancel"])?;
        let mut body = Map::new();
        body.insert("cancelReason".to_owned(), json!(reason));
        if let Some(amount) = amount {
            body.insert("cancelAmount".to_owned(), json!(amount.get()));
        }
        if let Some(refundable) = refundable {
            body.insert("refundableAmount".to_owned(), json!(refundable.get()));
        }
        if let Some(account) = account {
            body.insert("refundReceiveAccount".to_owned(), account.json());
        }
        about(self.post(Operation::Cancel, url, idempotency_key, &Value::Object(body)).await?, payment_key)
    }

    /// `GET /v1/transactions`: movements from `start` to `end`, at most `limit` (1 to
    /// [`MOST_TRANSACTIONS`], otherwise the nearer bound), after the transaction key `after`.
    ///
    /// Toss counts in seconds, so the bounds are widened to whole ones. Waits up to 60 s.
    pub async fn transactions(
        &self,
        start: Time,
        end: Time,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Transaction>, Failure> {
        require(after.is_none_or(|key| is_visible(key, LONGEST_PAYMENT_KEY)), "the transaction key")?;
        let mut url = self.url(&["v1", "transactions"])?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("startDate", &korean_second(start)?);
            query
                .append_pair("endDate", &korean_second(Time::from_unix_millis(end.unix_millis().saturating_add(999)))?);
            query.append_pair("limit", &limit.clamp(1, MOST_TRANSACTIONS).to_string());
            if let Some(after) = after {
                query.append_pair("startingAfter", after);
            }
        }
        let mut request = self.request(Method::GET, &url, Bytes::new())?;
        request.extensions_mut().insert(TimeOut::LISTS);
        let body = self.send(Operation::Query, request).await?;
        Transaction::parse_list(&body).map_err(|unreadable| no_answer(&unreadable))
    }

    async fn post(
        &self,
        operation: Operation,
        url: Url,
        idempotency_key: &str,
        body: &Value,
    ) -> Result<Payment, Failure> {
        const WHAT: &str = "the idempotency key";
        require(is_visible(idempotency_key, LONGEST_IDEMPOTENCY_KEY), WHAT)?;
        let key = HeaderValue::from_str(idempotency_key).map_err(|_not_a_header| Failure::Unsendable(WHAT))?;
        let mut request = self.request(Method::POST, &url, Bytes::from(body.to_string()))?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert("idempotency-key", key);
        read_payment(&self.send(operation, request).await?)
    }

    async fn query(&self, url: Url) -> Result<Payment, Failure> {
        let request = self.request(Method::GET, &url, Bytes::new())?;
        read_payment(&self.send(Operation::Query, request).await?)
    }

    async fn send(&self, operation: Operation, request: Request<Bytes>) -> Result<Bytes, Failure> {
        let answer = self.transport.send(request).await?;
        if answer.status() == StatusCode::OK {
            Ok(answer.into_body())
        } else {
            Err(classify(operation, answer.status(), answer.body()))
        }
    }

    fn request(&self, method: Method, url: &Url, body: Bytes) -> Result<Request<Bytes>, Failure> {
        const WHAT: &str = "the address or the secret key";
        let authorization = self.secret_key.authorization().map_err(|_not_a_header| Failure::Unsendable(WHAT))?;
        Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            .body(body)
            .map_err(|_not_a_request| Failure::Unsendable(WHAT))
    }

    fn url(&self, segments: &[&str]) -> Result<Url, Failure> {
        let mut url = self.base_url.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Unsendable("the base URL has no path"))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}

fn require(condition: bool, what: &'static str) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(Failure::Unsendable(what)) }
}

fn read_payment(body: &[u8]) -> Result<Payment, Failure> {
    Payment::parse(body).map_err(|unreadable| no_answer(&unreadable))
}

/// What is said about another payment answers nothing.
fn about(payment: Payment, payment_key: &str) -> Result<Payment, Failure> {
    if payment.payment_key.as_str() == payment_key {
        Ok(payment)
    } else {
        Err(Failure::NoAnswer { cause: "it is about another payment".to_owned() })
    }
}

fn no_answer(unreadable: &Unreadable) -> Failure {
    Failure::NoAnswer { cause: unreadable.to_string() }
}

/// `yyyy-MM-ddTHH:mm:ss` in Korea, which is nine hours ahead all year: Toss's dates have no offset.
fn korean_second(time: Time) -> Result<String, Failure> {
    let text = time.plus_seconds(9 * 60 * 60).to_string();
    text.get(..19).map(str::to_owned).ok_or(Failure::Unsendable("the date"))
}

#[cfg(test)]
mod tests;
