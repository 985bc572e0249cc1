//! Faults to order: what a client of Toss must live through.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use clock::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Which calls a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /v1/payments/confirm`
    Confirm,
    /// `POST /v1/payments/{paymentKey}/cancel`
    Cancel,
    /// Both `GET`s of one payment.
    Get,
    /// `GET /v1/transactions`
    Transactions,
    /// Every call. Not a call of its own.
    Any,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// It takes effect, then the connection breaks before the first byte of the answer.
    AnswerLost,
    /// Nothing happens for so many real seconds, or until the faults are cleared, then the connection breaks without effect.
    TimeOut {
        /// Real seconds, whatever the sandbox's clock does.
        #[serde(default = "long")]
        seconds: u64,
    },
    /// Answers 500 `FAILED_INTERNAL_SYSTEM_PROCESSING`.
    #[serde(rename = "status_500")]
    Status500 {
        /// Whether it takes effect all the same. The idempotency key does not remember it.
        #[serde(default)]
        after_effect: bool,
    },
    /// It takes effect; the answer (and its replays) tells another `totalAmount`.
    WrongAmount,
    /// It takes effect; the answer (and its replays) tells another `orderId`.
    WrongOrder,
    /// It takes effect; the answer (and its replays) tells that the deposit is still to come, as Toss does of one that
    /// the bank took back.
    DepositTakenBack,
    /// Answers this error, without effect. Like a real one, a 4xx is remembered for its key.
    Error {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
    },
    /// Takes so many milliseconds longer, and counts beside another fault.
    #[serde(alias = "delay_ms")]
    Delay {
        /// Real milliseconds.
        #[serde(alias = "delay_ms")]
        milliseconds: u64,
    },
}

fn long() -> u64 {
    3_600
}

/// A fault, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The calls that it hits.
    pub operation: Operation,
    /// What happens to them.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many more calls it hits. Without it once, or without end if there is a probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How likely it hits each of them, 0 to 1; without it, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl Fault {
    /// Hits the next call of `operation` only.
    pub fn once(operation: Operation, kind: FaultKind) -> Self {
        Self { operation, kind, times: Some(1), probability: None }
    }

    fn strikes(&self, operation: Operation, rng: &Rng) -> bool {
        const PARTS: u32 = 1_000_000;
        (self.operation == operation || self.operation == Operation::Any)
            && self.probability.is_none_or(|probability| {
                let drawn = u32::try_from(rng.below(u64::from(PARTS))).unwrap_or(PARTS);
                f64::from(drawn) < probability * f64::from(PARTS)
            })
    }
}

/// What one call meets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struck {
    pub delay: Duration,
    pub kind: Option<FaultKind>,
}

/// The faults that wait for a call. Not durable: a restart clears them.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Fault>>,
    cleared: Notify,
}

impl Faults {
    pub fn add(&self, mut fault: Fault) {
        if fault.times.is_none() && fault.probability.is_none() {
            fault.times = Some(1);
        }
        self.with(|faults| faults.push(fault));
    }

    pub fn list(&self) -> Vec<Fault> {
        self.with(|faults| faults.clone())
    }

    /// Lets go of the calls that hang, too.
    pub fn clear(&self) {
        self.with(Vec::clear);
        self.cleared.notify_waiters();
    }

    /// Hangs for so many real seconds, or until the faults are cleared.
    pub async fn hang(&self, seconds: u64) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = self.cleared.notified() => {}
        }
    }

    /// Delays add up; of the other kinds the first that strikes is used and the rest wait.
    pub fn draw(&self, operation: Operation, rng: &Rng) -> Struck {
        self.with(|faults| {
            let mut struck = Struck::default();
            for fault in faults.iter_mut() {
                let delays = matches!(fault.kind, FaultKind::Delay { .. });
                if (!delays && struck.kind.is_some()) || !fault.strikes(operation, rng) {
                    continue;
                }
                fault.times = fault.times.map(|times| times.saturating_sub(1));
                match &fault.kind {
                    FaultKind::Delay { milliseconds } => {
                        struck.delay = struck.delay.saturating_add(Duration::from_millis(*milliseconds));
                    }
                    kind => struck.kind = Some(kind.clone()),
                }
            }
            faults.retain(|fault| fault.times != Some(0));
            struck
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        work(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_from_flat_json() {
        for (json, kind) in [
            (r#"{"operation":"confirm","kind":"answer_lost"}"#, FaultKind::AnswerLost),
            (r#"{"operation":"any","kind":"status_500"}"#, FaultKind::Status500 { after_effect: false }),
            (r#"{"operation":"get","kind":"time_out","seconds":2}"#, FaultKind::TimeOut { seconds: 2 }),
            (r#"{"operation":"cancel","kind":"delay_ms","delay_ms":5}"#, FaultKind::Delay { milliseconds: 5 }),
            (
                r#"{"operation":"confirm","kind":"error","status":400,"code":"PROVIDER_ERROR","times":2}"#,
                FaultKind::Error { status: 400, code: "PROVIDER_ERROR".into() },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Fault>(json).unwrap().kind, kind, "{json}");
        }
    }

    #[test]
    fn faults_strike_their_calls_as_often_as_said() {
        let (faults, rng) = (Faults::default(), Rng::from_seed(1));
        faults.add(Fault {
            operation: Operation::Confirm,
            kind: FaultKind::AnswerLost,
            times: Some(2),
            probability: None,
        });
        faults.add(Fault::once(Operation::Any, FaultKind::Delay { milliseconds: 3 }));
        assert_eq!(faults.draw(Operation::Get, &rng).delay, Duration::from_millis(3));
        assert_eq!(faults.draw(Operation::Get, &rng).kind, None);
        for expected in [Some(FaultKind::AnswerLost), Some(FaultKind::AnswerLost), None] {
            assert_eq!(faults.draw(Operation::Confirm, &rng).kind, expected);
        }
        assert!(faults.list().is_empty());
    }

    #[tokio::test]
    async fn clearing_lets_go_of_what_hangs() {
        let faults = Faults::default();
        futures::join!(faults.hang(3_600), async { faults.clear() });
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_probability_strikes_about_that_often_and_without_end() {
        let (faults, rng) = (Faults::default(), Rng::from_seed(1));
        faults.add(Fault {
            operation: Operation::Confirm,
            kind: FaultKind::AnswerLost,
            times: None,
            probability: Some(0.25),
        });
        let struck = (0..4_000).filter(|_| faults.draw(Operation::Confirm, &rng).kind.is_some()).count();
        assert!((900..1_100).contains(&struck), "{struck}");
        faults.clear();
        assert!(faults.draw(Operation::Confirm, &rng).kind.is_none());
    }
}
