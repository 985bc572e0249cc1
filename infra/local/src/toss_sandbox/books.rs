//! The durable books: a file of `SQLite`, or memory.
//!
//! Every change is committed before it is answered. `synchronous=NORMAL` with a write-ahead log
//! is enough for that: a killed process loses nothing that it had written, because the log is in
//! the operating system's cache; only a power cut could take the last commits, and a stand-in on a
//! developer's machine need not survive one.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use domain::time::Time;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{
    charge::{Charge, Movement, MovementKind, Outcome},
    webhooks::Webhook,
};

/// Where the books are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Gone with the process.
    Memory,
    /// A file, made if it is not there; its directory must exist.
    File(PathBuf),
}

/// The books cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox's books: {0}")]
pub struct BooksError(#[from] rusqlite::Error);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS charges (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  payment_key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, order_name TEXT NOT NULL, customer_key TEXT,
  same_pair INTEGER NOT NULL, method TEXT NOT NULL, total INTEGER NOT NULL, balance INTEGER NOT NULL,
  status TEXT NOT NULL, secret TEXT NOT NULL, outcome TEXT NOT NULL, created_at INTEGER NOT NULL,
  authenticated_at INTEGER, account_at INTEGER, approved_at INTEGER, success_url TEXT, fail_url TEXT, failure TEXT,
  valid_hours INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS charges_of_order ON charges (order_id, seq);
CREATE TABLE IF NOT EXISTS movements (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  transaction_key TEXT NOT NULL UNIQUE, payment_key TEXT NOT NULL REFERENCES charges (payment_key),
  kind TEXT NOT NULL, amount INTEGER NOT NULL, balance INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS movements_of_charge ON movements (payment_key, seq);
CREATE TABLE IF NOT EXISTS answers (
  scope TEXT PRIMARY KEY, first_used INTEGER NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS webhooks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  transmission_id TEXT NOT NULL UNIQUE, url TEXT NOT NULL, body TEXT NOT NULL, retried INTEGER NOT NULL, due INTEGER,
  arrived INTEGER NOT NULL
) STRICT;
";

/// The open books. One connection behind a mutex: every use is a few short statements.
#[derive(Debug)]
pub(crate) struct Books(Mutex<Connection>);

impl Books {
    pub fn open(location: &Location) -> Result<Self, BooksError> {
        let connection = match location {
            Location::Memory => Connection::open_in_memory()?,
            Location::File(path) => Connection::open(path)?,
        };
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction, which is committed only if it answers `Ok`.
    pub fn write<T>(&self, work: impl FnOnce(&Page<'_>) -> Result<T, BooksError>) -> Result<T, BooksError> {
        // A panic inside has rolled its transaction back: the connection is good.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = Page(connection.transaction_with_behavior(TransactionBehavior::Immediate)?);
        let result = work(&page)?;
        page.0.commit()?;
        Ok(result)
    }
}

/// The books within one transaction.
pub(crate) struct Page<'a>(Transaction<'a>);

const COLUMNS: &str = "payment_key, order_id, order_name, customer_key, same_pair, method, total, balance, status, secret, \
     outcome, created_at, authenticated_at, account_at, approved_at, success_url, fail_url, failure, valid_hours";

impl Page<'_> {
    pub fn charge(&self, payment_key: &str) -> Result<Option<Charge>, BooksError> {
        self.first(&format!("SELECT {COLUMNS} FROM charges WHERE payment_key = ?1"), payment_key)
    }

    /// Of several charges of one order: the approved one that was made last, else the last.
    pub fn charge_of_order(&self, order_id: &str) -> Result<Option<Charge>, BooksError> {
        let sql =
            format!("SELECT {COLUMNS} FROM charges WHERE order_id = ?1 ORDER BY approved_at IS NULL, seq DESC LIMIT 1");
        self.first(&sql, order_id)
    }

    /// Every charge, the newest first.
    pub fn charges(&self) -> Result<Vec<Charge>, BooksError> {
        let mut statement = self.0.prepare(&format!("SELECT {COLUMNS} FROM charges ORDER BY seq DESC"))?;
        let charges = statement.query_map([], read_charge)?.collect::<Result<Vec<_>, _>>()?;
        charges.into_iter().map(|charge| self.with_movements(charge)).collect()
    }

    fn first(&self, sql: &str, key: &str) -> Result<Option<Charge>, BooksError> {
        let charge = self.0.query_row(sql, [key], read_charge).optional()?;
        charge.map(|charge| self.with_movements(charge)).transpose()
    }

    fn with_movements(&self, mut charge: Charge) -> Result<Charge, BooksError> {
        let mut statement = self.0.prepare_cached(
            "SELECT transaction_key, kind, amount, balance, status, reason, at FROM movements WHERE payment_key = ?1 ORDER BY seq",
        )?;
        charge.movements = statement.query_map([&charge.payment_key], read_movement)?.collect::<Result<_, _>>()?;
        Ok(charge)
    }

    /// Movements in `from..=to` of all charges in the order of the books, with their charge's key.
    pub fn movements(
        &self,
        from: Time,
        to: Time,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<(String, Movement)>, BooksError> {
        let mut statement = self.0.prepare_cached(
            "SELECT transaction_key, kind, amount, balance, status, reason, at, payment_key FROM movements
             WHERE at BETWEEN ?1 AND ?2
               AND seq > coalesce((SELECT seq FROM movements WHERE transaction_key = ?3), 0)
             ORDER BY seq LIMIT ?4",
        )?;
        let rows = statement.query_map(params![from.unix_millis(), to.unix_millis(), after, limit], |row| {
            Ok((row.get("payment_key")?, read_movement(row)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores the charge and the movements that it has gained.
    pub fn put(&self, charge: &Charge) -> Result<(), BooksError> {
        let outcome = serde_json::to_string(&charge.outcome)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.0.execute(
            &format!(
                "INSERT INTO charges ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)
                 ON CONFLICT (payment_key) DO UPDATE SET method = excluded.method, balance = excluded.balance,
                   status = excluded.status, outcome = excluded.outcome, authenticated_at = excluded.authenticated_at,
                   account_at = excluded.account_at, approved_at = excluded.approved_at, failure = excluded.failure"
            ),
            params![
                charge.payment_key,
                charge.order_id,
                charge.order_name,
                charge.customer_key,
                charge.same_pair,
                charge.method,
                charge.total,
                charge.balance,
                charge.status.as_str(),
                charge.secret,
                outcome,
                charge.created_at.unix_millis(),
                charge.authenticated_at.map(Time::unix_millis),
                charge.account_at.map(Time::unix_millis),
                charge.approved_at.map(Time::unix_millis),
                charge.success_url,
                charge.fail_url,
                charge.failure,
                charge.valid_hours,
            ],
        )?;
        for movement in &charge.movements {
            self.0.execute(
                "INSERT INTO movements (transaction_key, payment_key, kind, amount, balance, status, reason, at)
                 VALUES (?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT (transaction_key) DO NOTHING",
                params![
                    movement.transaction_key,
                    charge.payment_key,
                    if movement.kind == MovementKind::Capture { "capture" } else { "cancel" },
                    movement.amount,
                    movement.balance,
                    movement.status.as_str(),
                    movement.reason,
                    movement.at.unix_millis(),
                ],
            )?;
        }
        Ok(())
    }

    /// Stores an event, or how far it has come.
    pub fn put_webhook(&self, webhook: &Webhook) -> Result<(), BooksError> {
        self.0.execute(
            "INSERT INTO webhooks (transmission_id, url, body, retried, due, arrived) VALUES (?1,?2,?3,?4,?5,?6)
             ON CONFLICT (transmission_id) DO UPDATE SET retried = excluded.retried, due = excluded.due, arrived = excluded.arrived",
            params![
                webhook.transmission_id,
                webhook.url,
                webhook.body,
                webhook.retried,
                webhook.due.map(Time::unix_millis),
                webhook.arrived,
            ],
        )?;
        Ok(())
    }

    /// The events that are due up to `until`, or every event; the oldest first.
    pub fn webhooks(&self, until: Option<Time>) -> Result<Vec<Webhook>, BooksError> {
        let mut statement = self.0.prepare_cached(
            "SELECT transmission_id, url, body, retried, due, arrived FROM webhooks
             WHERE ?1 IS NULL OR due <= ?1 ORDER BY seq",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Webhook {
                transmission_id: row.get(0)?,
                url: row.get(1)?,
                body: row.get(2)?,
                retried: row.get(3)?,
                due: row.get::<_, Option<i64>>(4)?.map(Time::from_unix_millis),
                arrived: row.get(5)?,
            })
        };
        Ok(statement.query_map([until.map(Time::unix_millis)], read)?.collect::<Result<_, _>>()?)
    }

    /// What was answered to `scope`, unless that was first used before `since`.
    pub fn answer(&self, scope: &str, since: Time) -> Result<Option<(u16, Vec<u8>)>, BooksError> {
        let sql = "SELECT status, body FROM answers WHERE scope = ?1 AND first_used > ?2";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.0.query_row(sql, params![scope, since.unix_millis()], read).optional()?)
    }

    pub fn put_answer(&self, scope: &str, now: Time, status: u16, body: &[u8]) -> Result<(), BooksError> {
        self.0.execute(
            "INSERT OR REPLACE INTO answers (scope, first_used, status, body) VALUES (?1,?2,?3,?4)",
            params![scope, now.unix_millis(), status, body],
        )?;
        Ok(())
    }
}

fn read_charge(row: &Row<'_>) -> rusqlite::Result<Charge> {
    let outcome: String = row.get("outcome")?;
    let outcome: Outcome = serde_json::from_str(&outcome)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))?;
    let time = |name: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(name)?.map(Time::from_unix_millis));
    Ok(Charge {
        payment_key: row.get("payment_key")?,
        order_id: row.get("order_id")?,
        order_name: row.get("order_name")?,
        customer_key: row.get("customer_key")?,
        same_pair: row.get("same_pair")?,
        method: row.get("method")?,
        total: row.get("total")?,
        balance: row.get("balance")?,
        status: row.get::<_, String>("status")?.into(),
        secret: row.get("secret")?,
        outcome,
        created_at: time("created_at")?.unwrap_or(Time::from_unix_millis(0)),
        authenticated_at: time("authenticated_at")?,
        account_at: time("account_at")?,
        approved_at: time("approved_at")?,
        success_url: row.get("success_url")?,
        fail_url: row.get("fail_url")?,
        failure: row.get("failure")?,
        valid_hours: row.get("valid_hours")?,
        movements: Vec::new(),
    })
}

fn read_movement(row: &Row<'_>) -> rusqlite::Result<Movement> {
    let kind: String = row.get("kind")?;
    Ok(Movement {
        transaction_key: row.get("transaction_key")?,
        kind: if kind == "capture" { MovementKind::Capture } else { MovementKind::Cancel },
        amount: row.get("amount")?,
        balance: row.get("balance")?,
        status: row.get::<_, String>("status")?.into(),
        reason: row.get("reason")?,
        at: Time::from_unix_millis(row.get("at")?),
    })
}
