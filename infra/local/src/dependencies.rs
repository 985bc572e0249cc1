//! What the functions depend on, and a switch in front of each: off, hanging, slow, or as it should be.
//!
//! The table's is under the functions' own client, because the embedded database has no seam before
//! its listener; the others are before the stand-in's routes. So the operator's page, which
//! speaks to the table past the switch, tells how things are while nothing else answers. Kept in memory:
//! a restart brings everything back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The longest that a slow dependency takes, in milliseconds.
const SLOWEST: u64 = 60_000;

/// How a dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum Mode {
    /// As it should be.
    Up,
    /// It refuses everything at once.
    Down,
    /// It takes calls and answers none, until it is switched back.
    Hang,
    /// It takes so much longer for each call.
    Slow {
        /// Real time, whatever the local clock does.
        milliseconds: u64,
    },
}

/// The switch of one dependency. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Switch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mode: watch::Sender<Mode>,
    held: AtomicUsize,
}

impl Default for Switch {
    fn default() -> Self {
        Self(Arc::new(Inner { mode: watch::Sender::new(Mode::Up), held: AtomicUsize::new(0) }))
    }
}

/// One call that is held; its caller may give it up at any time.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn one(held: &'a AtomicUsize) -> Self {
        held.fetch_add(1, Ordering::Relaxed);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Switch {
    fn turn(&self, mode: Mode) {
        self.0.mode.send_replace(mode);
    }

    fn mode(&self) -> Mode {
        *self.0.mode.borrow()
    }

    /// Whether calls come through at all now.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.mode(), Mode::Up | Mode::Slow { .. })
    }

    /// Holds a call for as long as the mode says; answers whether it may go on then.
    async fn passed(&self) -> bool {
        if self.mode() == Mode::Up {
            return true;
        }
        let _held = Held::one(&self.0.held);
        let mut mode = self.0.mode.subscribe();
        let mode = match mode.wait_for(|mode| *mode != Mode::Hang).await {
            Ok(mode) => *mode,
            // The switch is gone, and with it whoever could ask.
            Err(_gone) => Mode::Down,
        };
        if let Mode::Slow { milliseconds } = mode {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        mode != Mode::Down
    }

    /// The switch before the routes of a stand-in.
    pub(crate) fn before(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), pass))
    }

    /// The switch under an SDK's client.
    pub(crate) fn under_client(&self, onward: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Client { switch: self.clone(), onward })
    }
}

async fn pass(State(switch): State<Switch>, request: Request, next: Next) -> Response {
    if switch.passed().await { next.run(request).await } else { StatusCode::SERVICE_UNAVAILABLE.into_response() }
}

#[derive(Clone, Debug)]
struct Client {
    switch: Switch,
    onward: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let onward = self.onward.http_connector(settings, components);
        SharedHttpConnector::new(Connector { switch: self.switch.clone(), onward })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    switch: Switch,
    onward: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { switch, onward } = self.clone();
        HttpConnectorFuture::new(async move {
            if switch.passed().await {
                onward.call(request).await
            } else {
                Err(ConnectorError::io("switched off".into()))
            }
        })
    }
}

/// The switches of what is in this process; what the environment named has none. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Dependencies {
    pub(crate) cloudfront: Switch,
    pub(crate) dynamodb: Option<Switch>,
    pub(crate) s3: Option<Switch>,
    pub(crate) sqs: Switch,
    pub(crate) toss: Option<Switch>,
}

/// How one dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is.
    #[serde(flatten)]
    pub(crate) mode: Mode,
    /// Calls that it is holding.
    pub(crate) held: usize,
}

/// What one is to be like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    name: String,
    mode: Named,
    milliseconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Up,
    Down,
    Hang,
    Slow,
}

/// Why nothing was switched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTurned {
    #[error("name: one of {0}")]
    Unknown(String),
    #[error("milliseconds: 1 to {SLOWEST} with `slow`, and nothing with any other mode")]
    Milliseconds,
}

impl Dependencies {
    /// With the table, the files and Toss, as far as they are in this process.
    pub(crate) fn here(dynamodb: bool, s3: bool, toss: bool) -> Self {
        let switch = |is_here: bool| is_here.then(Switch::default);
        Self {
            cloudfront: Switch::default(),
            dynamodb: switch(dynamodb),
            s3: switch(s3),
            sqs: Switch::default(),
            toss: switch(toss),
        }
    }

    fn each(&self) -> impl Iterator<Item = (&'static str, &Switch)> {
        let here = [
            ("cloudfront", Some(&self.cloudfront)),
            ("dynamodb", self.dynamodb.as_ref()),
            ("s3", self.s3.as_ref()),
            ("sqs", Some(&self.sqs)),
            ("toss", self.toss.as_ref()),
        ];
        here.into_iter().filter_map(|(name, switch)| Some((name, switch?)))
    }

    /// How each is.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let shown = |(name, switch): (&'static str, &Switch)| Shown {
            name,
            mode: switch.mode(),
            held: switch.0.held.load(Ordering::Relaxed),
        };
        self.each().map(shown).collect()
    }

    /// Switches one.
    pub(crate) fn turn(&self, turn: &Turn) -> Result<(), NotTurned> {
        let mode = match (turn.mode, turn.milliseconds) {
            (Named::Up, None) => Mode::Up,
            (Named::Down, None) => Mode::Down,
            (Named::Hang, None) => Mode::Hang,
            (Named::Slow, Some(milliseconds @ 1..=SLOWEST)) => Mode::Slow { milliseconds },
            _ => return Err(NotTurned::Milliseconds),
        };
        let known = || self.each().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        let (_, switch) =
            self.each().find(|(name, _)| *name == turn.name).ok_or_else(|| NotTurned::Unknown(known()))?;
        switch.turn(mode);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    fn ask(switch: &Switch) -> impl Future<Output = StatusCode> + use<> {
        let router = switch.before(Router::new().route("/", get(async || "here")));
        async move { router.oneshot(Request::new(Body::empty())).await.unwrap().status() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_switch_refuses_holds_and_delays() {
        let switch = Switch::default();
        assert_eq!(ask(&switch).await, StatusCode::OK);
        switch.turn(Mode::Down);
        assert!(!switch.passes());
        assert_eq!(ask(&switch).await, StatusCode::SERVICE_UNAVAILABLE);

        switch.turn(Mode::Slow { milliseconds: 700 });
        assert!(switch.passes());
        #[expect(clippy::disallowed_methods, reason = "the delay is measured on the runtime's paused clock")]
        let asked = tokio::time::Instant::now();
        assert_eq!(ask(&switch).await, StatusCode::OK);
        assert_eq!(asked.elapsed(), Duration::from_millis(700));

        switch.turn(Mode::Hang);
        let mut held = std::pin::pin!(ask(&switch));
        tokio::time::timeout(Duration::from_hours(1), held.as_mut()).await.unwrap_err();
        {
            let given_up = ask(&switch);
            tokio::time::timeout(Duration::from_secs(1), given_up).await.unwrap_err();
        }
        assert_eq!(switch.0.held.load(Ordering::Relaxed), 1, "who gave up is not held any more");
        switch.turn(Mode::Up);
        assert_eq!(held.await, StatusCode::OK);
        assert_eq!(switch.0.held.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_held_when_it_goes_down_is_refused() {
        let switch = Switch::default();
        switch.turn(Mode::Hang);
        let mut held = std::pin::pin!(ask(&switch));
        tokio::time::timeout(Duration::from_secs(1), held.as_mut()).await.unwrap_err();
        switch.turn(Mode::Down);
        assert_eq!(held.await, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn only_what_is_there_is_switched_and_only_to_what_makes_sense() {
        let dependencies = Dependencies::here(true, false, false);
        let turn = |body: Value| dependencies.turn(&serde_json::from_value(body).unwrap());
        assert_eq!(
            turn(json!({ "name": "toss", "mode": "up" })),
            Err(NotTurned::Unknown("cloudfront, dynamodb, sqs".to_owned()))
        );
        for (mode, milliseconds) in [("slow", None), ("slow", Some(0)), ("slow", Some(60_001)), ("hang", Some(5))] {
            let refused = turn(json!({ "name": "sqs", "mode": mode, "milliseconds": milliseconds }));
            assert_eq!(refused, Err(NotTurned::Milliseconds), "{mode} {milliseconds:?}");
        }
        turn(json!({ "name": "sqs", "mode": "slow", "milliseconds": 250 })).unwrap();
        let shown = serde_json::to_value(dependencies.shown()).unwrap();
        let up = |name: &str| json!({ "name": name, "mode": "up", "held": 0 });
        assert_eq!(
            shown,
            json!([up("cloudfront"), up("dynamodb"), { "name": "sqs", "mode": "slow", "milliseconds": 250, "held": 0 }])
        );
        for unreadable in [json!({ "name": "sqs", "mode": "broken" }), json!({ "name": "sqs", "mode": "up", "x": 1 })] {
            assert!(serde_json::from_value::<Turn>(unreadable).is_err());
        }
    }
}
