//! What can go wrong with one step, and which steps it befalls.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::dice;

/// What happens to one call of one actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The caller dies before the call is sent.
    CrashBefore,
    /// The caller dies when the call has taken effect.
    CrashAfter,
    /// The call never arrives.
    RequestLost,
    /// It takes effect, and nobody hears of it.
    AnswerLost,
    /// It takes effect long after the caller gave up: three seconds.
    Late,
    /// It takes effect when all others have gone on: twenty-five seconds.
    VeryLate,
    /// It arrives twice.
    Twice,
    /// A batch of messages arrives in another order.
    Reordered,
    /// Refused for overload, without effect.
    Throttled,
    /// Refused for a conflict, without effect; DynamoDB's writes only.
    Conflict,
    /// 500 without effect.
    Broken,
    /// 500 after the effect.
    BrokenAfter,
    /// The batch answers that it read nothing yet.
    Unprocessed,
    /// Toss acts at once and answers after ten seconds: its webhook is here before the browser.
    Slow,
    /// Toss answers `PROVIDER_ERROR`, and again for the same key.
    ProviderError,
    /// Toss answers `IDEMPOTENT_REQUEST_PROCESSING`.
    StillProcessing,
    /// Toss answers `FORBIDDEN_CONSECUTIVE_REQUEST`.
    TooSoon,
    /// Toss answers a code that says nothing of the money: `ALREADY_PROCESSED_PAYMENT`, or `INVALID_REQUEST` to a cancel.
    UnknownCode,
    /// Toss refuses for good: `REJECT_CARD_COMPANY`, though the payment goes on, or `REFUND_REJECTED`.
    Refused,
    /// Toss answers with another amount.
    WrongAmount,
    /// Toss answers with another order.
    WrongOrder,
}

/// Which far side a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// DynamoDB, reading.
    Read,
    /// DynamoDB, reading several keys, not all of which it need answer.
    BatchRead,
    /// DynamoDB, writing.
    Write,
    /// Toss, asking.
    TossQuery,
    /// Toss, moving money.
    TossPost,
    /// A message into a queue.
    Queue,
    /// Messages out of a queue into their worker.
    Delivery,
    /// An event on its way from Toss.
    Webhook,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::BatchRead,
        Self::Write,
        Self::TossQuery,
        Self::TossPost,
        Self::Queue,
        Self::Delivery,
        Self::Webhook,
    ];
}

impl Fault {
    /// How long after the call it takes effect.
    pub fn lateness(self) -> Duration {
        match self {
            Self::Late => Duration::from_secs(3),
            Self::VeryLate => Duration::from_secs(25),
            _ => Duration::ZERO,
        }
    }

    /// What can befall a call of this kind.
    pub fn of(service: Service) -> &'static [Self] {
        match service {
            Service::Read => &[Self::CrashBefore, Self::CrashAfter, Self::RequestLost, Self::Throttled, Self::Broken],
            Service::BatchRead => &[
                Self::CrashBefore,
                Self::CrashAfter,
                Self::RequestLost,
                Self::Throttled,
                Self::Broken,
                Self::Unprocessed,
            ],
            Service::Write => &[
                Self::CrashBefore,
                Self::CrashAfter,
                Self::RequestLost,
                Self::AnswerLost,
                Self::Late,
                Self::VeryLate,
                Self::Throttled,
                Self::Conflict,
                Self::Broken,
                Self::BrokenAfter,
            ],
            Service::Queue => {
                &[Self::CrashBefore, Self::CrashAfter, Self::RequestLost, Self::AnswerLost, Self::Twice, Self::Broken]
            }
            Service::Delivery => &[Self::RequestLost, Self::AnswerLost, Self::Twice, Self::Reordered],
            Service::Webhook => &[Self::RequestLost, Self::AnswerLost, Self::Twice, Self::Late, Self::VeryLate],
            Service::TossQuery => {
                &[Self::CrashBefore, Self::CrashAfter, Self::RequestLost, Self::Broken, Self::TooSoon]
            }
            Service::TossPost => &[
                Self::CrashBefore,
                Self::CrashAfter,
                Self::RequestLost,
                Self::AnswerLost,
                Self::Late,
                Self::VeryLate,
                Self::Twice,
                Self::Broken,
                Self::BrokenAfter,
                Self::Slow,
                Self::ProviderError,
                Self::StillProcessing,
                Self::TooSoon,
                Self::UnknownCode,
                Self::Refused,
                Self::WrongAmount,
                Self::WrongOrder,
            ],
        }
    }
}

/// One step: the n-th call of an actor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Who calls.
    pub actor: String,
    /// Which of their calls, from 0.
    pub n: u64,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.actor, self.n)
    }
}

/// Which steps go wrong.
#[derive(Clone, Debug)]
pub enum Plan {
    /// None.
    Calm,
    /// These.
    Given(BTreeMap<Step, Fault>),
    /// Some, by this seed: one in eight of those that change anything, one in sixty of the others.
    Random(u64),
}

impl Plan {
    /// What befalls a step.
    pub fn at(&self, step: &Step, service: Service) -> Option<Fault> {
        match self {
            Self::Calm => None,
            Self::Given(faults) => faults.get(step).copied().filter(|fault| Fault::of(service).contains(fault)),
            Self::Random(seed) => {
                let one_in = if matches!(service, Service::Read | Service::BatchRead) { 60 } else { 8 };
                if dice::below(*seed, &format!("fault {}", step.actor), step.n, one_in) != 0 {
                    return None;
                }
                let choices = Fault::of(service);
                let choice = dice::below(*seed, &format!("kind {}", step.actor), step.n, choices.len() as u64);
                choices.get(usize::try_from(choice).unwrap_or_default()).copied()
            }
        }
    }
}

/// How long a call takes on its way, and its answer on the way back.
pub fn latency(seed: u64, step: &Step, way: &str) -> Duration {
    Duration::from_millis(1 + dice::below(seed, &format!("{way} {}", step.actor), step.n, 40))
}
