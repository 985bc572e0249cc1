//! The payment window: a page with the outcomes to choose from, and the redirect that follows.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderValue, Response, StatusCode, header},
    routing::{get, post},
};
use maud::Markup;
use serde::Deserialize;
use toss::Status;
use url::Url;

use super::{
    TossSandbox,
    books::BooksError,
    charge::{Charge, Leaves, METHODS, Outcome},
    controls::CLOSED,
    errors::ApiError,
    opening::Opening,
    pages,
};

pub(crate) fn routes() -> Router<TossSandbox> {
    Router::new()
        .route("/", get(list))
        .route("/charges", get(list))
        .route("/charges/{paymentKey}/deposit", post(deposit))
        .route("/window", get(open))
        .route("/window/{paymentKey}", post(choose))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    client_key: String,
    customer_key: String,
    order_id: String,
    order_name: String,
    amount: i64,
    success_url: String,
    fail_url: String,
    valid_hours: Option<i64>,
}

/// Opening makes the payment, as the browser's library does at Toss: loading again makes another.
async fn open(State(sandbox): State<TossSandbox>, opened: Result<Query<Opened>, QueryRejection>) -> Response<Body> {
    let Ok(Query(opened)) = opened else {
        return page(
            StatusCode::BAD_REQUEST,
            &pages::problem("clientKey, customerKey, orderId, orderName, amount, successUrl, failUrl이 필요합니다."),
        );
    };
    let opening = Opening {
        same_pair: sandbox.is_same_pair(&opened.client_key),
        order_id: opened.order_id,
        order_name: opened.order_name,
        amount: opened.amount,
        customer_key: Some(opened.customer_key),
        success_url: Some(opened.success_url),
        fail_url: Some(opened.fail_url),
        valid_hours: opened.valid_hours,
    };
    let charge = match opening.open(&sandbox.0.ids, sandbox.0.clock.now()) {
        Ok(charge) => charge,
        Err(wrong) => return page(StatusCode::BAD_REQUEST, &pages::problem(wrong)),
    };
    match sandbox.write(|books, _| books.put(&charge)) {
        Ok(()) => page(StatusCode::OK, &pages::window(&charge)),
        Err(error) => unusable(&error),
    }
}

/// What the buyer chose, from the form.
#[derive(Debug, Default)]
struct Choice {
    outcome: String,
    method: String,
    code: String,
    leaves: String,
    times: String,
}

impl Choice {
    fn read(form: &[u8]) -> Self {
        let mut choice = Self::default();
        for (name, value) in url::form_urlencoded::parse(form) {
            let field = match name.as_ref() {
                "choice" => &mut choice.outcome,
                "method" => &mut choice.method,
                "code" => &mut choice.code,
                "leaves" => &mut choice.leaves,
                "times" => &mut choice.times,
                _ => continue,
            };
            *field = value.into_owned();
        }
        choice
    }

    fn code_or(&self, default: &str) -> String {
        if self.code.is_empty() { default.to_owned() } else { self.code.clone() }
    }

    fn method(&self) -> &str {
        METHODS.iter().copied().find(|method| *method == self.method).unwrap_or("카드")
    }
}

async fn choose(State(sandbox): State<TossSandbox>, Path(payment_key): Path<String>, form: Bytes) -> Response<Body> {
    let choice = Choice::read(&form);
    let decided = sandbox.write(|books, now| {
        let Some(charge) = books.charge(&payment_key)? else { return Ok(None) };
        let mut charge = charge.at(now);
        let target = decide(&mut charge, &choice, now);
        books.put(&charge)?;
        Ok(Some(target))
    });
    match decided {
        Ok(Some(Some(target))) => redirect(&target),
        Ok(Some(None)) => page(StatusCode::BAD_REQUEST, &pages::problem("이 결제창에서는 할 수 없는 선택입니다.")),
        Ok(None) => page(StatusCode::NOT_FOUND, &pages::problem("찾을 수 없는 결제입니다.")),
        Err(error) => unusable(&error),
    }
}

/// Where the buyer goes; `None` if the choice is none, or the payment has no window.
fn decide(charge: &mut Charge, choice: &Choice, now: domain::time::Time) -> Option<Url> {
    let (method, outcome) = match choice.outcome.as_str() {
        "approve" => (choice.method(), Outcome::Approve),
        "virtual_account" => ("가상계좌", Outcome::Approve),
        "refuse" => {
            let leaves = if choice.leaves == "IN_PROGRESS" { Leaves::InProgress } else { Leaves::Aborted };
            let refuse = Outcome::Refuse {
                code: choice.code_or("REJECT_CARD_COMPANY"),
                leaves,
                times: choice.times.parse().ok(),
            };
            (choice.method(), refuse)
        }
        "fail" => return failed(charge, &choice.code_or("PAY_PROCESS_ABORTED")),
        // Nothing is told to the merchant, and the payment stays as it is until its time is up.
        "close" => return fail_url(charge, CLOSED, None),
        _ => return None,
    };
    if charge.authenticate(method, outcome, now).is_err() {
        // The window was open too long, or was used before. Toss's code for that is not documented.
        return fail_url(charge, "PAY_PROCESS_ABORTED", Some(&charge.order_id));
    }
    let mut url = Url::parse(charge.success_url.as_deref()?).ok()?;
    url.query_pairs_mut()
        .append_pair("paymentType", "NORMAL")
        .append_pair("orderId", &charge.order_id)
        .append_pair("paymentKey", &charge.payment_key)
        .append_pair("amount", &charge.total.to_string());
    Some(url)
}

fn failed(charge: &mut Charge, code: &str) -> Option<Url> {
    if charge.status == Status::Ready {
        charge.status = Status::Aborted;
        charge.failure = Some(code.to_owned());
    }
    fail_url(charge, code, Some(&charge.order_id))
}

fn fail_url(charge: &Charge, code: &str, order_id: Option<&str>) -> Option<Url> {
    let mut url = Url::parse(charge.fail_url.as_deref()?).ok()?;
    url.query_pairs_mut().append_pair("code", code).append_pair("message", ApiError::of(code).message());
    if let Some(order_id) = order_id {
        url.query_pairs_mut().append_pair("orderId", order_id);
    }
    Some(url)
}

async fn list(State(sandbox): State<TossSandbox>) -> Response<Body> {
    let charges =
        sandbox.write(|books, now| Ok(books.charges()?.into_iter().map(|charge| charge.at(now)).collect::<Vec<_>>()));
    match charges {
        Ok(charges) => page(StatusCode::OK, &pages::charges(&charges, &sandbox.faults(), sandbox.0.clock.now())),
        Err(error) => unusable(&error),
    }
}

async fn deposit(State(sandbox): State<TossSandbox>, Path(payment_key): Path<String>) -> Response<Body> {
    if let Err(error) = sandbox.deposit(&payment_key) {
        return page(StatusCode::CONFLICT, &pages::problem(&error.to_string()));
    }
    see_other(HeaderValue::from_static("/charges"))
}

fn redirect(target: &Url) -> Response<Body> {
    match HeaderValue::from_str(target.as_str()) {
        Ok(target) => see_other(target),
        Err(_not_a_header) => page(StatusCode::BAD_REQUEST, &pages::problem("돌아갈 주소가 올바르지 않습니다.")),
    }
}

fn see_other(target: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, target);
    response
}

fn page(status: StatusCode, markup: &Markup) -> Response<Body> {
    let mut response = Response::new(Body::from(markup.0.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // No `form-action`: browsers would apply it to the redirect back to the merchant too.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors *";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn unusable(error: &BooksError) -> Response<Body> {
    tracing::error!(%error, "the sandbox of Toss cannot use its books");
    page(StatusCode::INTERNAL_SERVER_ERROR, &pages::problem("장부를 열 수 없습니다."))
}
