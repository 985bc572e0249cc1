//! The durable queues: a file of `SQLite`, or memory.
//!
//! As the books of the sandbox of Toss: `synchronous=NORMAL` with a write-ahead log, so that a
//! killed process loses nothing that it had acknowledged.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clock::Ids;
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::errors::Refused;

/// Where the queues are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Gone with the process.
    Memory,
    /// A file, made if it is not there; its directory must exist.
    File(PathBuf),
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the queues' store: {0}")]
pub struct CannotOpen(#[from] rusqlite::Error);

/// What a queue is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// How long a delivered message stays away from others, in seconds: 0 to 43,200.
    pub visibility_seconds: i64,
    /// How long a sent message is kept back, unless it says so itself: 0 to 900.
    pub delay_seconds: i64,
    /// How long a receiver waits that does not say: 0 to 20.
    pub wait_seconds: i64,
    /// How long a message is kept: 60 to 1,209,600.
    pub retention_seconds: i64,
    /// Where messages go that were delivered that often, and the name of that queue.
    pub dead_letters: Option<(String, u32)>,
}

impl Default for Attributes {
    /// As AWS has them.
    fn default() -> Self {
        Self {
            visibility_seconds: 30,
            delay_seconds: 0,
            wait_seconds: 0,
            retention_seconds: 4 * 24 * 60 * 60,
            dead_letters: None,
        }
    }
}

/// A message as it is delivered.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The message's name, the same in every delivery.
    pub id: String,
    /// Names this delivery.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// The attributes that its sender gave it, as they were sent.
    pub attributes: Value,
    /// How often it was delivered, this time included.
    pub received: u32,
    /// When it was sent.
    pub sent_at: Time,
    /// When it was first delivered.
    pub first_received_at: Time,
    /// The queue that gave it up, if it is a dead letter.
    pub source: Option<String>,
}

/// A message that its queue gave up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The queue of dead letters that it is in.
    pub queue: String,
    /// The queue that gave it up.
    pub source: String,
    /// The message's name.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// After how many deliveries that queue gives a message up.
    pub receives: u32,
    /// When it was first sent.
    pub sent_at: Time,
}

/// How full a queue is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Depth {
    /// Its name.
    pub queue: String,
    /// Waiting for a receiver.
    pub visible: u64,
    /// Delivered and not yet deleted.
    pub in_flight: u64,
    /// Kept back by their delay.
    pub delayed: u64,
    /// The queue of its dead letters.
    pub dead_letters: Option<String>,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queues (
  name TEXT PRIMARY KEY, visibility INTEGER NOT NULL, delay INTEGER NOT NULL, wait INTEGER NOT NULL,
  retention INTEGER NOT NULL, dead_letters TEXT, most_receives INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL REFERENCES queues (name), source TEXT,
  body TEXT NOT NULL, attributes TEXT NOT NULL, sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0, first_received_at INTEGER, receipt TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_at, seq);
";

/// The open store. One connection behind a mutex: every use is a few short statements.
#[derive(Debug)]
pub(super) struct Store(Mutex<Connection>);

impl Store {
    pub fn open(location: &Location) -> Result<Self, CannotOpen> {
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
    pub fn write<T>(&self, now: Time, work: impl FnOnce(&Page<'_>) -> Result<T, Refused>) -> Result<T, Refused> {
        // A panic inside has rolled its transaction back: the connection is good.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page =
            Page { at: connection.transaction_with_behavior(TransactionBehavior::Immediate)?, now: now.unix_millis() };
        let result = work(&page)?;
        page.at.commit()?;
        Ok(result)
    }
}

/// The store within one transaction.
pub(super) struct Page<'a> {
    at: Transaction<'a>,
    now: i64,
}

/// A handle names message and delivery: `{message}.{delivery}`, both ULIDs.
fn message_of(receipt: &str) -> Result<&str, Refused> {
    let is_id = |text: &str| text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (message, delivery) = receipt.split_once('.').ok_or_else(Refused::not_a_receipt)?;
    if is_id(message) && is_id(delivery) { Ok(message) } else { Err(Refused::not_a_receipt()) }
}

impl Page<'_> {
    /// The attributes of a queue, which must be there.
    pub fn queue(&self, name: &str) -> Result<Attributes, Refused> {
        self.find_queue(name)?.ok_or_else(Refused::no_queue)
    }

    pub fn find_queue(&self, name: &str) -> Result<Option<Attributes>, Refused> {
        let sql = "SELECT visibility, delay, wait, retention, dead_letters, most_receives FROM queues WHERE name = ?1";
        let read = |row: &Row<'_>| {
            let dead_letters: Option<String> = row.get(4)?;
            let most: Option<u32> = row.get(5)?;
            Ok(Attributes {
                visibility_seconds: row.get(0)?,
                delay_seconds: row.get(1)?,
                wait_seconds: row.get(2)?,
                retention_seconds: row.get(3)?,
                dead_letters: dead_letters.zip(most),
            })
        };
        Ok(self.at.query_row(sql, [name], read).optional()?)
    }

    pub fn put_queue(&self, name: &str, attributes: &Attributes) -> Result<(), Refused> {
        let Attributes { visibility_seconds, delay_seconds, wait_seconds, retention_seconds, dead_letters } =
            attributes;
        let (dead_letters, most_receives) = dead_letters.clone().unzip();
        self.at.execute(
            "INSERT INTO queues (name, visibility, delay, wait, retention, dead_letters, most_receives)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (name) DO UPDATE SET visibility = excluded.visibility, delay = excluded.delay,
               wait = excluded.wait, retention = excluded.retention, dead_letters = excluded.dead_letters,
               most_receives = excluded.most_receives",
            params![
                name, visibility_seconds, delay_seconds, wait_seconds, retention_seconds, dead_letters, most_receives
            ],
        )?;
        Ok(())
    }

    /// Stores a message, kept back for `delay` seconds or as long as the queue says.
    pub fn send(
        &self,
        queue: &str,
        id: &str,
        body: &str,
        attributes: &Value,
        delay: Option<i64>,
    ) -> Result<(), Refused> {
        let delay = delay.unwrap_or(self.queue(queue)?.delay_seconds);
        self.at.execute(
            "INSERT INTO messages (id, queue, body, attributes, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id, queue, body, attributes.to_string(), self.now, self.after(delay)],
        )?;
        Ok(())
    }

    fn after(&self, seconds: i64) -> i64 {
        self.now.saturating_add(seconds.saturating_mul(1_000))
    }

    /// Delivers up to `most` visible messages, the longest visible first. What was delivered too
    /// often before goes to the dead letters instead.
    pub fn receive(
        &self,
        queue: &str,
        most: u32,
        visibility: Option<i64>,
        ids: &Ids,
    ) -> Result<Vec<Delivered>, Refused> {
        let attributes = self.queue(queue)?;
        self.at.execute(
            "DELETE FROM messages WHERE queue = ?1 AND sent_at <= ?2",
            params![queue, self.after(attributes.retention_seconds.saturating_neg())],
        )?;
        if let Some((dead_letters, most_receives)) = &attributes.dead_letters {
            // It keeps its name and, in a standard queue, the time when it was first sent.
            self.at.execute(
                "UPDATE messages SET queue = ?1, source = ?2, received = 0, receipt = NULL, first_received_at = NULL
                 WHERE queue = ?2 AND visible_at <= ?3 AND received >= ?4",
                params![dead_letters, queue, self.now, most_receives],
            )?;
        }
        let mut statement = self.at.prepare_cached(
            "SELECT seq, id FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, seq LIMIT ?3",
        )?;
        let found = statement
            .query_map(params![queue, self.now, most], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<Vec<(i64, String)>, _>>()?;
        let visible_at = self.after(visibility.unwrap_or(attributes.visibility_seconds));
        found.into_iter().map(|(seq, id)| self.deliver(seq, &format!("{id}.{}", ids.token()), visible_at)).collect()
    }

    fn deliver(&self, seq: i64, receipt: &str, visible_at: i64) -> Result<Delivered, Refused> {
        let sql = "UPDATE messages SET received = received + 1, receipt = ?2, visible_at = ?3,
                     first_received_at = coalesce(first_received_at, ?4)
                   WHERE seq = ?1 RETURNING id, receipt, body, attributes, received, sent_at, first_received_at, source";
        let read = |row: &Row<'_>| {
            let attributes: String = row.get(3)?;
            Ok(Delivered {
                id: row.get(0)?,
                receipt: row.get(1)?,
                body: row.get(2)?,
                attributes: serde_json::from_str(&attributes).unwrap_or_default(),
                received: row.get(4)?,
                sent_at: Time::from_unix_millis(row.get(5)?),
                first_received_at: Time::from_unix_millis(row.get(6)?),
                source: row.get(7)?,
            })
        };
        Ok(self.at.query_row(sql, params![seq, receipt, visible_at, self.now], read)?)
    }

    /// When the next message that is not visible yet will be, in milliseconds from now.
    pub fn next_visible(&self, queue: &str) -> Result<Option<u64>, Refused> {
        let sql = "SELECT min(visible_at) FROM messages WHERE queue = ?1 AND visible_at > ?2";
        let next: Option<i64> = self.at.query_row(sql, params![queue, self.now], |row| row.get(0))?;
        Ok(next.and_then(|next| u64::try_from(next.saturating_sub(self.now)).ok()))
    }

    /// AWS does not promise what an older handle does; here it does nothing, which is the worst case
    /// for a consumer.
    pub fn delete(&self, queue: &str, receipt: &str) -> Result<(), Refused> {
        self.queue(queue)?;
        let id = message_of(receipt)?;
        self.at.execute(
            "DELETE FROM messages WHERE queue = ?1 AND id = ?2 AND receipt = ?3",
            params![queue, id, receipt],
        )?;
        Ok(())
    }

    pub fn change_visibility(&self, queue: &str, receipt: &str, seconds: i64) -> Result<(), Refused> {
        self.queue(queue)?;
        let id = message_of(receipt)?;
        let changed = self.at.execute(
            "UPDATE messages SET visible_at = ?4 WHERE queue = ?1 AND id = ?2 AND receipt = ?3 AND visible_at > ?5",
            params![queue, id, receipt, self.after(seconds), self.now],
        )?;
        if changed == 0 { Err(Refused::not_in_flight()) } else { Ok(()) }
    }

    /// Whether some queue gives its messages up to this one.
    pub fn takes_dead_letters(&self, queue: &str) -> Result<bool, Refused> {
        let sql = "SELECT EXISTS (SELECT 1 FROM queues WHERE dead_letters = ?1)";
        Ok(self.at.query_row(sql, [queue], |row| row.get(0))?)
    }

    /// Moves what is visible in a queue of dead letters to `target`, or each back to its source.
    pub fn redrive(&self, dead_letters: &str, target: Option<&str>) -> Result<u64, Refused> {
        self.queue(dead_letters)?;
        if !self.takes_dead_letters(dead_letters)? {
            return Err(Refused::no_source());
        }
        if let Some(target) = target {
            self.queue(target)?;
        }
        let moved = self.at.execute(
            "UPDATE messages SET queue = coalesce(?2, source), source = NULL, received = 0, receipt = NULL,
               first_received_at = NULL, sent_at = ?3, visible_at = ?3
             WHERE queue = ?1 AND visible_at <= ?3 AND coalesce(?2, source) IS NOT NULL",
            params![dead_letters, target, self.now],
        )?;
        Ok(u64::try_from(moved).unwrap_or_default())
    }

    /// The messages that were given up, the oldest first, and `most` of them.
    pub fn dead_letters(&self, most: u32) -> Result<Vec<DeadLetter>, Refused> {
        let mut statement = self.at.prepare_cached(
            "SELECT queue, source, id, body, coalesce(most_receives, 0), sent_at
             FROM messages JOIN queues ON name = source ORDER BY sent_at, seq LIMIT ?1",
        )?;
        let read = |row: &Row<'_>| {
            Ok(DeadLetter {
                queue: row.get(0)?,
                source: row.get(1)?,
                id: row.get(2)?,
                body: row.get(3)?,
                receives: row.get(4)?,
                sent_at: Time::from_unix_millis(row.get(5)?),
            })
        };
        Ok(statement.query_map([most], read)?.collect::<Result<_, _>>()?)
    }

    /// How full one queue is, or each.
    pub fn depths(&self, queue: Option<&str>) -> Result<Vec<Depth>, Refused> {
        let mut statement = self.at.prepare_cached(
            "SELECT name, coalesce(sum(visible_at <= ?1), 0), coalesce(sum(visible_at > ?1 AND received > 0), 0),
               coalesce(sum(visible_at > ?1 AND received = 0), 0), dead_letters
             FROM queues LEFT JOIN messages ON queue = name WHERE ?2 IS NULL OR name = ?2 GROUP BY name ORDER BY name",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Depth {
                queue: row.get(0)?,
                visible: row.get(1)?,
                in_flight: row.get(2)?,
                delayed: row.get(3)?,
                dead_letters: row.get(4)?,
            })
        };
        Ok(statement.query_map(params![self.now, queue], read)?.collect::<Result<_, _>>()?)
    }

    pub fn depth(&self, queue: &str) -> Result<Depth, Refused> {
        self.depths(Some(queue))?.pop().ok_or_else(Refused::no_queue)
    }
}
