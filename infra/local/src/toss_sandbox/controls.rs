//! What tests and the local server drive the stand-in with: Rust calls, and the same as JSON.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::Response,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use toss::Status;

use super::{
    TossSandbox,
    api::{json_response, refusal},
    books::BooksError,
    charge::{Charge, METHODS, Outcome},
    errors::ApiError,
    faults::{Fault, FaultKind},
    opening::Opening,
    view,
};

/// A payment that its buyer has authenticated, without a window.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// 6 to 64 of `A-Za-z0-9-_=`.
    pub order_id: String,
    /// Won, at least 1.
    pub amount: i64,
    /// 1 to 100 characters.
    #[serde(default = "unnamed")]
    pub order_name: String,
    /// 카드 (as without it), 가상계좌, 간편결제, 계좌이체 or 휴대폰.
    #[serde(default)]
    pub method: Option<String>,
    /// How confirming it will end.
    #[serde(default)]
    pub outcome: Outcome,
    /// How many hours a virtual account waits for its deposit, 1 to 2160; 168 without it.
    #[serde(default)]
    pub valid_hours: Option<i64>,
}

fn unnamed() -> String {
    "주문".to_owned()
}

impl Authentication {
    /// By card, to be approved.
    pub fn of(order_id: impl Into<String>, amount: i64) -> Self {
        Self {
            order_id: order_id.into(),
            amount,
            order_name: unnamed(),
            method: None,
            outcome: Outcome::Approve,
            valid_hours: None,
        }
    }
}

/// What the success redirect would carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authenticated {
    /// Names the payment.
    pub payment_key: String,
    /// As it was asked for.
    pub order_id: String,
    /// Won.
    pub amount: i64,
}

/// A charge as an onlooker sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeSeen {
    /// Names the payment.
    pub payment_key: String,
    /// The merchant's name of the order.
    pub order_id: String,
    /// As in the API, `EXPIRED` included.
    pub status: String,
    /// In Korean.
    pub method: String,
    /// Won.
    pub total_amount: i64,
    /// Won that were not given back; also counts money that never came.
    pub balance_amount: i64,
    /// With the offset of Korea.
    pub approved_at: Option<String>,
    /// How many times money was taken.
    pub captures: usize,
    /// How many times some was given back.
    pub cancels: usize,
}

impl From<&Charge> for ChargeSeen {
    fn from(charge: &Charge) -> Self {
        Self {
            payment_key: charge.payment_key.clone(),
            order_id: charge.order_id.clone(),
            status: charge.status.to_string(),
            method: charge.method.clone(),
            total_amount: charge.total,
            balance_amount: charge.balance,
            approved_at: charge.approved_at.map(view::korean),
            captures: charge.captures(),
            cancels: charge.movements.len().saturating_sub(charge.captures()),
        }
    }
}

/// The stand-in does not do that.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The books are not usable.
    #[error(transparent)]
    Books(#[from] BooksError),
}

impl TossSandbox {
    /// Makes a payment whose buyer has just authenticated: what the window ends with.
    pub fn authenticate(&self, asked: Authentication) -> Result<Authenticated, ControlError> {
        let method = asked.method.unwrap_or_else(|| METHODS.first().copied().unwrap_or_default().to_owned());
        if !METHODS.contains(&method.as_str()) {
            return Err(ControlError::Invalid(format!("method: one of {}", METHODS.join(", "))));
        }
        let mut charge = self.opened(asked.order_id, asked.order_name, asked.amount, asked.valid_hours)?;
        let now = charge.created_at;
        charge.authenticate(&method, asked.outcome, now).map_err(|error| ControlError::Invalid(error.code))?;
        self.write(|page, _| page.put(&charge))?;
        Ok(Authenticated { payment_key: charge.payment_key, order_id: charge.order_id, amount: charge.total })
    }

    /// Makes a payment that failed in the window, and answers what the fail redirect would carry.
    pub fn fail(&self, order_id: &str, amount: i64, code: &str) -> Result<Value, ControlError> {
        let mut charge = self.opened(order_id.to_owned(), unnamed(), amount, None)?;
        charge.failure = Some(code.to_owned());
        if code == CLOSED {
            self.write(|page, _| page.put(&charge))?;
            return Ok(ApiError::of(code).body());
        }
        charge.status = Status::Aborted;
        self.write(|page, _| page.put(&charge))?;
        let message = ApiError::of(code).message();
        Ok(json!({ "code": code, "message": message, "orderId": charge.order_id }))
    }

    /// The money arrives in the virtual account of a payment.
    pub fn deposit(&self, payment_key: &str) -> Result<(), ControlError> {
        let done = self.write(|page, now| {
            let Some(charge) = page.charge(payment_key)? else { return Ok(false) };
            let mut charge = charge.at(now);
            let done = charge.deposit(self.new_key("T"), now).is_ok();
            self.keep(page, &charge, now)?;
            Ok(done)
        })?;
        if done {
            Ok(())
        } else {
            Err(ControlError::Invalid("paymentKey: no payment that waits for a deposit".to_owned()))
        }
    }

    /// Every charge as of now, the newest first.
    pub fn charges(&self) -> Result<Vec<ChargeSeen>, BooksError> {
        self.write(|page, now| {
            Ok(page.charges()?.into_iter().map(|charge| ChargeSeen::from(&charge.at(now))).collect())
        })
    }

    fn opened(
        &self,
        order_id: String,
        order_name: String,
        amount: i64,
        valid_hours: Option<i64>,
    ) -> Result<Charge, ControlError> {
        let opening = Opening {
            order_id,
            order_name,
            amount,
            customer_key: None,
            same_pair: true,
            success_url: None,
            fail_url: None,
            valid_hours,
        };
        opening.open(&self.0.ids, self.0.clock.now()).map_err(|wrong| ControlError::Invalid(wrong.to_owned()))
    }
}

/// The buyer closed the window. Then the redirect names no order and the payment stays open.
pub(crate) const CLOSED: &str = "PAY_PROCESS_CANCELED";

pub(crate) fn routes() -> Router<TossSandbox> {
    Router::new()
        .route("/sandbox/authenticate", post(authenticate))
        .route("/sandbox/fail", post(fail))
        .route("/sandbox/deposit", post(deposit))
        .route("/sandbox/charges", get(charges))
        .route("/sandbox/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/sandbox/delay", put(delay))
        .route("/sandbox/webhooks", get(webhooks))
}

async fn authenticate(State(sandbox): State<TossSandbox>, body: Bytes) -> Response<Body> {
    answer(read(&body).and_then(|asked| sandbox.authenticate(asked)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    order_id: String,
    amount: i64,
    #[serde(default = "aborted")]
    code: String,
}

fn aborted() -> String {
    "PAY_PROCESS_ABORTED".to_owned()
}

async fn fail(State(sandbox): State<TossSandbox>, body: Bytes) -> Response<Body> {
    answer(read(&body).and_then(|failed: Failed| sandbox.fail(&failed.order_id, failed.amount, &failed.code)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deposited {
    payment_key: String,
}

async fn deposit(State(sandbox): State<TossSandbox>, body: Bytes) -> Response<Body> {
    answer(read(&body).and_then(|deposited: Deposited| sandbox.deposit(&deposited.payment_key)))
}

async fn charges(State(sandbox): State<TossSandbox>) -> Response<Body> {
    answer(sandbox.charges().map_err(ControlError::from))
}

async fn faults(State(sandbox): State<TossSandbox>) -> Response<Body> {
    answer(Ok(sandbox.faults()))
}

async fn add_fault(State(sandbox): State<TossSandbox>, body: Bytes) -> Response<Body> {
    answer(read(&body).and_then(|fault: Fault| {
        if let FaultKind::Error { status, .. } = fault.kind
            && !(400..=599).contains(&status)
        {
            return Err(ControlError::Invalid("status: 400 to 599".to_owned()));
        }
        if fault.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err(ControlError::Invalid("probability: 0 to 1".to_owned()));
        }
        sandbox.add_fault(fault);
        Ok(sandbox.faults())
    }))
}

async fn clear_faults(State(sandbox): State<TossSandbox>) -> Response<Body> {
    sandbox.clear_faults();
    answer(Ok(sandbox.faults()))
}

async fn webhooks(State(sandbox): State<TossSandbox>) -> Response<Body> {
    answer(sandbox.webhooks().map_err(ControlError::from))
}

#[derive(Deserialize, Serialize)]
struct Delay {
    milliseconds: u64,
}

async fn delay(State(sandbox): State<TossSandbox>, body: Bytes) -> Response<Body> {
    answer(read(&body).inspect(|delay: &Delay| sandbox.set_delay(Duration::from_millis(delay.milliseconds))))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

fn answer<T: Serialize>(result: Result<T, ControlError>) -> Response<Body> {
    match result {
        Ok(value) => match serde_json::to_vec(&value) {
            Ok(json) => json_response(200, json),
            Err(_not_json) => refusal(&ApiError::of("COMMON_ERROR")),
        },
        Err(ControlError::Invalid(message)) => {
            json_response(400, json!({ "code": "INVALID_REQUEST", "message": message }).to_string().into_bytes())
        }
        Err(ControlError::Books(error)) => {
            tracing::error!(%error, "the sandbox of Toss cannot use its books");
            refusal(&ApiError::of("COMMON_ERROR"))
        }
    }
}
