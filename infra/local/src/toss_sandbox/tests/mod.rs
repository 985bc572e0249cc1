use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use clock::Movable;
use domain::{money::Won, time::Time};
use serde_json::json;
use toss::{Failure, Payment, Status, Toss};
use tower::ServiceExt;

use super::*;

mod faults;
mod idempotency;
mod payments;
mod windows;

const SECRET: &str = "test_sk_sandbox";
const MINUTE: i64 = 60_000;

/// A sandbox at 2026-11-23T00:00:00Z, which is nine o'clock in Korea.
struct Town {
    sandbox: TossSandbox,
    toss: Toss,
    clock: Movable,
}

fn town() -> Town {
    town_at(&Location::Memory, 1)
}

fn town_at(location: &Location, seed: u64) -> Town {
    let clock = Movable::standing_at("2026-11-23T00:00:00Z".parse().unwrap());
    let sandbox = TossSandbox::open(location, clock.clock(), Rng::from_seed(seed), SECRET).unwrap();
    let toss = Toss::new("http://sandbox".parse().unwrap(), SECRET.parse().unwrap(), sandbox.transport());
    Town { sandbox, toss, clock }
}

impl Town {
    /// A payment key of an authenticated payment by card.
    fn authenticated(&self, order_id: &str, amount: i64) -> String {
        self.sandbox.authenticate(Authentication::of(order_id, amount)).unwrap().payment_key
    }

    fn refusing(&self, order_id: &str, code: &str, leaves: Leaves, times: Option<u32>) -> String {
        let outcome = Outcome::Refuse { code: code.into(), leaves, times };
        self.sandbox
            .authenticate(Authentication { outcome, ..Authentication::of(order_id, 1_000) })
            .unwrap()
            .payment_key
    }

    fn by(&self, method: &str, order_id: &str, amount: i64) -> String {
        let asked = Authentication { method: Some(method.into()), ..Authentication::of(order_id, amount) };
        self.sandbox.authenticate(asked).unwrap().payment_key
    }

    async fn confirm(&self, key: &str, payment_key: &str, order_id: &str, amount: i64) -> Result<Payment, Failure> {
        self.toss.confirm(key, payment_key, order_id, won(amount)).await
    }

    /// A payment that has been taken.
    async fn paid(&self, order_id: &str, amount: i64) -> String {
        let payment_key = self.authenticated(order_id, amount);
        let payment = self.confirm(&format!("confirm:{order_id}:1"), &payment_key, order_id, amount).await.unwrap();
        assert_eq!(payment.status, Status::Done);
        payment_key
    }

    fn seen(&self, payment_key: &str) -> ChargeSeen {
        self.sandbox.charges().unwrap().into_iter().find(|charge| charge.payment_key == payment_key).unwrap()
    }

    /// One raw request, authorised: status, headers, body.
    async fn raw(&self, method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Bytes) {
        // `test_sk_sandbox:` in base 64.
        let basic = ("authorization", "Basic dGVzdF9za19zYW5kYm94Og==");
        self.bare(method, uri, &[&[basic], headers].concat(), body).await
    }

    async fn bare(&self, method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Bytes) {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.sandbox.router().oneshot(request).await.unwrap().into_parts();
        (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap())
    }
}

fn won(amount: i64) -> Won {
    Won::new(amount).unwrap()
}

fn code(failure: &Failure) -> &str {
    match failure {
        Failure::Refused { code, .. }
        | Failure::StillProcessing { code }
        | Failure::AnsweredUnknown { code }
        | Failure::Misconfigured { code }
        | Failure::AlreadyCanceled { code }
        | Failure::BalanceMoved { code } => code,
        Failure::NoAnswer { .. } => "no answer",
        Failure::NotFound => "not found",
        Failure::Unsendable(_) => "unsendable",
    }
}

fn member(body: &[u8], name: &str) -> Value {
    serde_json::from_slice::<Value>(body).unwrap()[name].clone()
}
