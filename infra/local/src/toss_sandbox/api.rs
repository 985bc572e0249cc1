//! The API that the merchant's server calls.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::time::Time;
use serde::Deserialize;
use serde_json::Value;

use super::{
    TossSandbox,
    books::{BooksError, Page},
    charge::CancelRequest,
    errors::ApiError,
    faults::{FaultKind, Operation},
    idempotency, view,
};

/// What a call would answer, within the transaction that stores its effect.
type Answered = Result<Result<Value, ApiError>, BooksError>;

pub(crate) fn routes() -> Router<TossSandbox> {
    Router::new()
        .route("/v1/payments/confirm", post(confirm))
        .route("/v1/payments/{paymentKey}", get(payment))
        .route("/v1/payments/orders/{orderId}", get(payment_of_order))
        .route("/v1/payments/{paymentKey}/cancel", post(cancel))
        .route("/v1/transactions", get(transactions))
}

/// What every call brings along.
struct Asked {
    operation: Operation,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

async fn confirm(State(sandbox): State<TossSandbox>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let asked = Asked { operation: Operation::Confirm, method: Method::POST, uri, headers };
    let effect = |page: &Page<'_>, now: Time| {
        let body = object(&body);
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (payment_key, order_id) = (text("paymentKey"), text("orderId"));
        let amount = body.get("amount").and_then(Value::as_i64);
        let Some(amount) = amount.filter(|_| toss::is_payment_key(payment_key) && !order_id.is_empty()) else {
            return Ok(Err(ApiError::of("INVALID_REQUEST")));
        };
        let Some(charge) = page.charge(payment_key)? else { return Ok(Err(ApiError::of("NOT_FOUND_PAYMENT"))) };
        let mut charge = charge.at(now);
        let result = charge.confirm(order_id, amount, sandbox.new_key("T"), now);
        sandbox.keep(page, &charge, now)?;
        Ok(result.map(|()| sandbox.payment_json(&charge)))
    };
    sandbox.answer(asked, effect).await
}

async fn cancel(
    State(sandbox): State<TossSandbox>,
    Path(payment_key): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let asked = Asked { operation: Operation::Cancel, method: Method::POST, uri, headers };
    let effect = |page: &Page<'_>, now: Time| {
        let Some(request) = cancel_request(&object(&body)) else { return Ok(Err(ApiError::of("INVALID_REQUEST"))) };
        let Some(charge) = page.charge(&payment_key)? else { return Ok(Err(ApiError::of("NOT_FOUND_PAYMENT"))) };
        let mut charge = charge.at(now);
        let result = charge.cancel(request, sandbox.new_key("T"), now);
        sandbox.keep(page, &charge, now)?;
        Ok(result.map(|()| sandbox.payment_json(&charge)))
    };
    sandbox.answer(asked, effect).await
}

fn cancel_request(body: &serde_json::Map<String, Value>) -> Option<CancelRequest> {
    let reason = body.get("cancelReason")?.as_str()?;
    let amount = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(amount) => amount.as_i64().map(Some),
    };
    (1..=200).contains(&reason.chars().count()).then_some(())?;
    Some(CancelRequest {
        reason: reason.to_owned(),
        amount: amount("cancelAmount")?,
        refundable: amount("refundableAmount")?,
        has_refund_account: body.get("refundReceiveAccount").is_some_and(is_account),
    })
}

/// Whether a deposit can be paid back to it.
fn is_account(account: &Value) -> bool {
    let text = |name: &str| account.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = text("accountNumber");
    !text("bank").is_empty()
        && (1..=20).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=60).contains(&text("holderName").chars().count())
}

async fn payment(
    State(sandbox): State<TossSandbox>,
    Path(payment_key): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let asked = Asked { operation: Operation::Get, method: Method::GET, uri, headers };
    let effect = |page: &Page<'_>, now: Time| {
        let charge = page.charge(&payment_key)?.map(|charge| charge.at(now));
        Ok(charge.map(|charge| sandbox.payment_json(&charge)).ok_or_else(|| ApiError::of("NOT_FOUND_PAYMENT")))
    };
    sandbox.answer(asked, effect).await
}

async fn payment_of_order(
    State(sandbox): State<TossSandbox>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let asked = Asked { operation: Operation::Get, method: Method::GET, uri, headers };
    let effect = |page: &Page<'_>, now: Time| {
        let charge = page.charge_of_order(&order_id)?.map(|charge| charge.at(now));
        Ok(charge.map(|charge| sandbox.payment_json(&charge)).ok_or_else(|| ApiError::of("NOT_FOUND_PAYMENT")))
    };
    sandbox.answer(asked, effect).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    start_date: Option<String>,
    end_date: Option<String>,
    starting_after: Option<String>,
    limit: Option<i64>,
}

impl Listed {
    /// The bounds; `None` if they are missing or no dates. Without an offset they are Korean.
    fn bounds(&self) -> Option<(Time, Time)> {
        let time = |text: &str| text.parse().or_else(|_no_offset| format!("{text}+09:00").parse()).ok();
        Some((time(self.start_date.as_deref()?)?, time(self.end_date.as_deref()?)?))
    }
}

async fn transactions(
    State(sandbox): State<TossSandbox>,
    listed: Result<Query<Listed>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    const MOST: i64 = 5_000;
    let asked = Asked { operation: Operation::Transactions, method: Method::GET, uri, headers };
    let effect = |page: &Page<'_>, _now: Time| {
        let listed = listed.ok().map(|Query(listed)| listed);
        let limit = listed.as_ref().and_then(|listed| listed.limit).unwrap_or(100);
        let bounds = listed.as_ref().and_then(Listed::bounds).filter(|_| (1..=MOST).contains(&limit));
        let Some((from, to)) = bounds else { return Ok(Err(ApiError::of("INVALID_REQUEST"))) };
        let after = listed.as_ref().and_then(|listed| listed.starting_after.as_deref());
        let mut list = Vec::new();
        for (payment_key, movement) in page.movements(from, to, after, limit)? {
            list.extend(page.charge(&payment_key)?.map(|charge| view::transaction(&charge, &movement)));
        }
        Ok(Ok(Value::Array(list)))
    };
    sandbox.answer(asked, effect).await
}

fn object(body: &[u8]) -> serde_json::Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_default()
}

impl TossSandbox {
    /// One call: who asks, whether its key is in use, what fault strikes, then the effect or its replay.
    async fn answer(&self, asked: Asked, effect: impl FnOnce(&Page<'_>, Time) -> Answered) -> Response<Body> {
        if let Err(error) = self.authorize(&asked.headers) {
            return refusal(&error);
        }
        let scope = match idempotency::scope(&self.0.secret_key, &asked.method, &asked.uri, &asked.headers) {
            Ok(scope) => scope,
            Err(error) => return refusal(&error),
        };
        let mut mark = None;
        if let Some(scope) = &scope {
            mark = self.0.running.begin(scope);
            if mark.is_none() {
                return refusal(&ApiError::of("IDEMPOTENT_REQUEST_PROCESSING"));
            }
        }
        let response = match self.perform(&asked, scope.as_deref(), effect).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(%error, "the sandbox of Toss cannot use its books");
                refusal(&ApiError::of("COMMON_ERROR"))
            }
        };
        drop(mark);
        tracing::debug!(operation = ?asked.operation, status = response.status().as_u16(), "toss sandbox");
        echo_key(response, scope.is_some().then(|| asked.headers.get(idempotency::HEADER)).flatten())
    }

    async fn perform(
        &self,
        asked: &Asked,
        scope: Option<&str>,
        effect: impl FnOnce(&Page<'_>, Time) -> Answered,
    ) -> Result<Response<Body>, BooksError> {
        let struck = self.0.faults.draw(asked.operation, &self.0.rng);
        pause(self.delay().saturating_add(struck.delay)).await;
        let mut forced = test_code(&asked.headers).map(ApiError::of);
        match &struck.kind {
            Some(FaultKind::TimeOut { seconds }) => {
                self.0.faults.hang(*seconds).await;
                return Ok(broken());
            }
            Some(FaultKind::Status500 { after_effect: false }) => {
                return Ok(refusal(&ApiError::of("FAILED_INTERNAL_SYSTEM_PROCESSING")));
            }
            Some(FaultKind::Error { status, code }) => forced = Some(ApiError { status: *status, code: code.clone() }),
            _ => {}
        }

        // The clock is read after the pause: what expired meanwhile has expired.
        let now = self.0.clock.now();
        let forgotten = idempotency::forgotten(now);
        let is_forced = matches!(struck.kind, Some(FaultKind::Error { .. }));
        let is_hidden = matches!(struck.kind, Some(FaultKind::Status500 { .. }));
        let (status, body) = self.0.books.write(|page| {
            let before = scope.map(|scope| page.answer(scope, forgotten)).transpose()?.flatten();
            let is_new = before.is_none();
            if let Some(before) = before.filter(|_| !is_forced) {
                return Ok(before);
            }
            let answered = match forced {
                Some(error) => Err(error),
                None => effect(page, now)?,
            };
            let (status, code, mut body) = match answered {
                Ok(body) => (200, None, body),
                Err(error) => (error.status, Some(error.code.clone()), error.body()),
            };
            if status == 200 {
                distort(&mut body, struck.kind.as_ref());
            }
            let body = body.to_string().into_bytes();
            let is_kept = is_new && !is_hidden && idempotency::is_kept(status, code.as_deref());
            if let Some(scope) = scope.filter(|_| is_kept) {
                page.put_answer(scope, now, status, &body)?;
            }
            Ok((status, body))
        })?;
        Ok(match struck.kind {
            Some(FaultKind::AnswerLost) => broken(),
            Some(FaultKind::Status500 { .. }) => refusal(&ApiError::of("FAILED_INTERNAL_SYSTEM_PROCESSING")),
            _ => json_response(status, body),
        })
    }

    /// Basic authentication with the secret key as user and an empty password.
    fn authorize(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let encoded = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let decoded = encoded.and_then(|encoded| String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok());
        match decoded.as_deref().map(|decoded| decoded.split_once(':')) {
            Some(Some((user, ""))) if user == self.0.secret_key => Ok(()),
            Some(None) => Err(ApiError::of("INCORRECT_BASIC_AUTH_FORMAT")),
            _ => Err(ApiError::of("UNAUTHORIZED_KEY")),
        }
    }
}

fn test_code(headers: &HeaderMap) -> Option<&str> {
    headers.get("tosspayments-test-code")?.to_str().ok()
}

/// Even a sleep of nothing would wait for the timer's next tick.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn distort(body: &mut Value, kind: Option<&FaultKind>) {
    let (Some(object), Some(kind)) = (body.as_object_mut(), kind) else { return };
    match kind {
        FaultKind::WrongAmount => {
            let amount = object.get("totalAmount").and_then(Value::as_i64).unwrap_or_default();
            object.insert("totalAmount".to_owned(), amount.saturating_add(1).into());
        }
        FaultKind::WrongOrder => {
            object.insert("orderId".to_owned(), "order-of-somebody-else".into());
        }
        FaultKind::DepositTakenBack => {
            object.insert("status".to_owned(), "WAITING_FOR_DEPOSIT".into());
        }
        _ => {}
    }
}

pub(crate) fn refusal(error: &ApiError) -> Response<Body> {
    json_response(error.status, error.body().to_string().into_bytes())
}

pub(crate) fn json_response(status: u16, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body that fails before its first byte: the server then closes the connection with nothing sent.
fn broken() -> Response<Body> {
    let error = std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "a fault to order");
    Response::new(Body::from_stream(futures::stream::once(futures::future::ready(Err::<Bytes, _>(error)))))
}

fn echo_key(mut response: Response<Body>, key: Option<&HeaderValue>) -> Response<Body> {
    if let Some(key) = key {
        response.headers_mut().insert(idempotency::HEADER, key.clone());
    }
    response
}

/// Routes that the stand-in does not have.
pub(crate) async fn unknown() -> Response<Body> {
    refusal(&ApiError::of("NOT_FOUND"))
}
