//! A charge and what may become of it: pure, so that every rule is a value in and a value out.

use domain::time::Time;
use serde::{Deserialize, Serialize};
use toss::Status;

use super::errors::ApiError;

/// How long an opened window may be authenticated in.
const WINDOW_SECONDS: i64 = 30 * 60;
/// How long an authentication may be confirmed.
const SESSION_SECONDS: i64 = 10 * 60;
/// How many hours a virtual account waits for its deposit where the window says nothing else.
pub(crate) const DEPOSIT_HOURS: i64 = 168;
/// How many it can wait at most.
pub(crate) const LONGEST_DEPOSIT_HOURS: i64 = 2_160;

/// What paying by virtual account is called.
pub(crate) const VIRTUAL_ACCOUNT: &str = "가상계좌";
/// The methods of payment, named as Toss names them. The first is the default.
pub(crate) const METHODS: [&str; 5] = ["카드", VIRTUAL_ACCOUNT, "간편결제", "계좌이체", MOBILE];
/// Paid with the phone bill, which cannot be given back in part.
const MOBILE: &str = "휴대폰";

/// How confirming an authenticated payment will end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money is taken (a virtual account is given out, if that is the method).
    #[default]
    Approve,
    /// Confirming is refused.
    Refuse {
        /// Any code of the error table; it also decides the status of the answer.
        code: String,
        /// What the refused payment becomes. Toss does not say, so both are possible.
        #[serde(default)]
        leaves: Leaves,
        /// How often it is refused before it is approved; without it, always.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
}

/// What a refused payment becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Leaves {
    /// It is over.
    #[default]
    Aborted,
    /// It may be confirmed again.
    InProgress,
}

/// One payment in the books.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub payment_key: String,
    pub order_id: String,
    pub order_name: String,
    pub customer_key: Option<String>,
    /// Whether the window's client key belongs with the secret key.
    pub same_pair: bool,
    pub method: String,
    pub total: i64,
    pub balance: i64,
    pub status: Status,
    pub secret: String,
    pub outcome: Outcome,
    pub created_at: Time,
    /// When the buyer authenticated; from then the session runs.
    pub authenticated_at: Option<Time>,
    /// How many hours a virtual account of it waits for its deposit.
    pub valid_hours: i64,
    /// When confirming gave out a virtual account.
    pub account_at: Option<Time>,
    pub approved_at: Option<Time>,
    /// Where the window sends the buyer; absent for payments made without a window.
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// The code of the last refusal.
    pub failure: Option<String>,
    pub movements: Vec<Movement>,
}

/// Money that came or went.
#[derive(Clone, Debug)]
pub(crate) struct Movement {
    pub transaction_key: String,
    pub kind: MovementKind,
    /// Won, positive both ways.
    pub amount: i64,
    /// What was left afterwards.
    pub balance: i64,
    /// The payment's status afterwards.
    pub status: Status,
    pub reason: Option<String>,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovementKind {
    Capture,
    Cancel,
}

/// What a cancel asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CancelRequest {
    pub reason: String,
    pub amount: Option<i64>,
    pub refundable: Option<i64>,
    pub has_refund_account: bool,
}

impl Charge {
    /// What time has made of it. Only the passing of time ends it here; nobody has to call.
    pub fn at(mut self, now: Time) -> Self {
        let ends = match self.status {
            Status::Ready => Some(self.created_at.plus_seconds(WINDOW_SECONDS)),
            Status::InProgress => Some(self.authenticated_at.unwrap_or(self.created_at).plus_seconds(SESSION_SECONDS)),
            Status::WaitingForDeposit => Some(self.due_date()),
            _ => None,
        };
        if ends.is_some_and(|ends| ends <= now) {
            self.status = Status::Expired;
        }
        self
    }

    /// Until when a virtual account of it may be paid into.
    pub fn due_date(&self) -> Time {
        self.account_at.unwrap_or(self.created_at).plus_seconds(self.valid_hours.saturating_mul(60 * 60))
    }

    pub fn is_virtual_account(&self) -> bool {
        self.method == VIRTUAL_ACCOUNT
    }

    pub fn is_partial_cancelable(&self) -> bool {
        self.method != MOBILE
    }

    /// How often money was taken: more than once would be the sandbox's own fault.
    pub fn captures(&self) -> usize {
        self.movements.iter().filter(|movement| movement.kind == MovementKind::Capture).count()
    }

    /// The buyer authenticates in the window.
    pub fn authenticate(&mut self, method: &str, outcome: Outcome, now: Time) -> Result<(), ApiError> {
        if self.status != Status::Ready {
            return Err(ApiError::of("NOT_FOUND_PAYMENT_SESSION"));
        }
        method.clone_into(&mut self.method);
        self.outcome = outcome;
        self.status = Status::InProgress;
        self.authenticated_at = Some(now);
        Ok(())
    }

    /// Confirms. A refusal can change the charge too, so it is stored after either.
    pub fn confirm(&mut self, order_id: &str, amount: i64, key: String, now: Time) -> Result<(), ApiError> {
        match self.status {
            // The same answer as for a lapsed session, as Toss gives it when the order differs.
            _ if self.order_id != order_id => return Err(ApiError::of("NOT_FOUND_PAYMENT_SESSION")),
            Status::Ready | Status::Expired => return Err(ApiError::of("NOT_FOUND_PAYMENT_SESSION")),
            Status::InProgress => {}
            _ => return Err(ApiError::of("ALREADY_PROCESSED_PAYMENT")),
        }
        if !self.same_pair {
            return Err(ApiError::of("INVALID_API_KEY"));
        }
        if self.total != amount {
            return Err(ApiError::of("INVALID_REQUEST"));
        }
        let least = if self.method == VIRTUAL_ACCOUNT || self.method == "계좌이체" { 200 } else { 100 };
        if amount < least {
            return Err(ApiError::of("BELOW_MINIMUM_AMOUNT"));
        }
        if let Some(error) = self.refusal() {
            return Err(error);
        }
        self.failure = None;
        if self.is_virtual_account() {
            self.status = Status::WaitingForDeposit;
            self.account_at = Some(now);
        } else {
            self.capture(key, now);
        }
        Ok(())
    }

    fn refusal(&mut self) -> Option<ApiError> {
        let Outcome::Refuse { code, leaves, times } = &mut self.outcome else { return None };
        match times {
            Some(0) => return None,
            Some(left) => *left = left.saturating_sub(1),
            None => {}
        }
        self.failure = Some(code.clone());
        if *leaves == Leaves::Aborted {
            self.status = Status::Aborted;
        }
        Some(ApiError::of(code))
    }

    /// The money arrives in the virtual account.
    pub fn deposit(&mut self, key: String, now: Time) -> Result<(), ApiError> {
        if self.status != Status::WaitingForDeposit {
            return Err(ApiError::of("INVALID_REQUEST"));
        }
        self.capture(key, now);
        Ok(())
    }

    fn capture(&mut self, transaction_key: String, now: Time) {
        self.status = Status::Done;
        self.approved_at = Some(now);
        self.movements.push(Movement {
            transaction_key,
            kind: MovementKind::Capture,
            amount: self.total,
            balance: self.balance,
            status: Status::Done,
            reason: None,
            at: now,
        });
    }

    /// Gives money back, or gives up a virtual account that nobody has paid into.
    pub fn cancel(&mut self, request: CancelRequest, key: String, now: Time) -> Result<(), ApiError> {
        let waiting = match self.status {
            Status::Canceled => return Err(ApiError::of("ALREADY_CANCELED_PAYMENT")),
            Status::Done | Status::PartialCanceled => false,
            Status::WaitingForDeposit => true,
            _ => return Err(ApiError::of("NOT_CANCELABLE_PAYMENT")),
        };
        if request.refundable.is_some_and(|refundable| refundable != self.balance) {
            return Err(ApiError::of("NOT_MATCHES_REFUNDABLE_AMOUNT"));
        }
        let amount = request.amount.unwrap_or(self.balance);
        if request.amount.is_some_and(|amount| amount <= 0) {
            return Err(ApiError::of("INVALID_REQUEST"));
        }
        if amount > self.balance || self.balance == 0 {
            return Err(ApiError::of("NOT_CANCELABLE_AMOUNT"));
        }
        let partial = amount < self.balance;
        if partial && waiting {
            return Err(ApiError::of("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"));
        }
        if partial && !self.is_partial_cancelable() {
            return Err(ApiError::of("NOT_ALLOWED_PARTIAL_REFUND"));
        }
        if !waiting && self.is_virtual_account() && !request.has_refund_account {
            return Err(ApiError::of("INVALID_REFUND_ACCOUNT_INFO"));
        }
        self.balance = self.balance.saturating_sub(amount);
        // Once a part was given back, Toss keeps saying "in part", also when nothing is left.
        self.status = if amount == self.total { Status::Canceled } else { Status::PartialCanceled };
        self.movements.push(Movement {
            transaction_key: key,
            kind: MovementKind::Cancel,
            amount,
            balance: self.balance,
            status: self.status.clone(),
            reason: Some(request.reason),
            at: now,
        });
        Ok(())
    }
}
