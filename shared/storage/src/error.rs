//! What can go wrong between us and the table: corrupt data, a failing driver, too much load.

use domain::refusal::{Details, Reason, Refusal};

use crate::table::Item;

/// A failure of the table. Not finding something is no failure: it is an `Option`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An item does not have the shape it was written in.
    #[error("corrupt item: {0}")]
    Corrupt(String),
    /// A value could not be put into an item, or an expression is wrong: our mistake.
    #[error("malformed write: {0}")]
    Malformed(String),
    /// DynamoDB refused for a reason that trying again does not remove.
    #[error("the table refused {operation}: {code}: {message}")]
    Driver {
        /// The call.
        operation: &'static str,
        /// DynamoDB's error code.
        code: String,
        /// DynamoDB's message.
        message: String,
    },
    /// Throttled, in conflict or unreachable for as long as the caller could wait.
    #[error("the table was too busy for {operation}")]
    Busy {
        /// The call.
        operation: &'static str,
    },
}

impl Refusal for Error {
    // Every request can meet these two; they are documented once for all operations.
    const REASONS: &'static [Reason] = &[];

    fn reason(&self) -> Reason {
        match self {
            Self::Busy { .. } => Reason::BUSY,
            Self::Corrupt(_) | Self::Malformed(_) | Self::Driver { .. } => Reason::INTERNAL,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Busy { .. } => Details::retry_after(1),
            _ => Details::default(),
        }
    }
}

/// Why a single conditional write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The condition did not hold; with the item as it stands, if there is one.
    #[error("the condition of a write did not hold")]
    Unmet(Option<Item>),
    /// The table failed.
    #[error(transparent)]
    Storage(#[from] Error),
}
