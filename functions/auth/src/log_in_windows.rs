//! How often somebody may guess a password.
//!
//! Failures are counted for the account as seen from one address first: ten in 15 minutes, then
//! that address waits. An address has fifty over all accounts. The account as a whole is only
//! slowed down, so that nobody can lock its owner out.

use std::net::IpAddr;

use devloop_http::Edge;
use domain::{
    quota::{TooMany, Window},
    time::Time,
};
use storage::{
    Error, Write, WriteError,
    items::LogInWindow,
    keys::{hashed, log_in_window},
};

const FAILURES_OF_PAIR: u32 = 10;
const FAILURES_OF_ADDRESS: u32 = 50;
const FAILURES_OF_ACCOUNT: u32 = 10;
const SLOW_SECONDS: i64 = 5;

/// One try to log in, already counted as a failure of account and address.
#[derive(Debug)]
pub struct Try {
    pair: String,
    account: String,
    address: String,
    since: Time,
}

impl Try {
    /// Counts a try at the account that is called `name` before the password is looked at, so that
    /// a hundred at once are not a hundred guesses.
    pub async fn begin(edge: &Edge, name: &str, address: Option<IpAddr>) -> Result<Result<Self, TooMany>, Error> {
        let now = edge.clock.now();
        let window = Window::at(now, LogInWindow::SECONDS);
        let since = window.since;
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let this = Self {
            pair: hashed(&format!("pair|{name}|{address}")),
            account: hashed(&format!("account|{name}")),
            address: hashed(&format!("address|{address}")),
            since,
        };
        let of_address: Option<LogInWindow> = edge.table.get_now(log_in_window(&this.address, since)).await?;
        if of_address.is_some_and(|window| window.failures >= FAILURES_OF_ADDRESS) {
            return Ok(Err(window.used_up(FAILURES_OF_ADDRESS, now)));
        }
        let counted = LogInWindow::count(&this.pair, since, 1).if_missing_or_at_most("failures", FAILURES_OF_PAIR - 1);
        match edge.table.write(counted).await {
            Ok(()) => {}
            Err(WriteError::Unmet(_)) => return Ok(Err(window.used_up(FAILURES_OF_PAIR, now))),
            Err(WriteError::Storage(error)) => return Err(error),
        }
        Ok(this.slow_down(edge, now).await?.map_or(Ok(this), Err))
    }

    /// Lets one try pass every few seconds once the account has met many failures.
    async fn slow_down(&self, edge: &Edge, now: Time) -> Result<Option<TooMany>, Error> {
        let key = log_in_window(&self.account, self.since);
        let window: Option<LogInWindow> = edge.table.get_now(key.clone()).await?;
        if window.is_none_or(|window| window.failures < FAILURES_OF_ACCOUNT) {
            return Ok(None);
        }
        let turn =
            Write::update(key).set("nextTryAt", now.plus_seconds(SLOW_SECONDS)).if_missing_or_at_most("nextTryAt", now);
        match edge.table.write(turn).await {
            Ok(()) => Ok(None),
            Err(WriteError::Unmet(_)) => {
                let retry_after = u32::try_from(SLOW_SECONDS).unwrap_or(u32::MAX);
                Ok(Some(TooMany { limit: FAILURES_OF_ACCOUNT, window_seconds: LogInWindow::SECONDS, retry_after }))
            }
            Err(WriteError::Storage(error)) => Err(error),
        }
    }

    /// The password was wrong.
    pub async fn failed(self, edge: &Edge) -> Result<(), Error> {
        for subject in [&self.account, &self.address] {
            count(edge, LogInWindow::count(subject, self.since, 1)).await?;
        }
        Ok(())
    }

    /// The password was right: this try was no failure.
    pub async fn succeeded(self, edge: &Edge) -> Result<(), Error> {
        count(edge, LogInWindow::count(&self.pair, self.since, -1)).await
    }
}

async fn count(edge: &Edge, write: Write) -> Result<(), Error> {
    match edge.table.write(write).await {
        // It has no condition.
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}
