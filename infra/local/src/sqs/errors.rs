//! How SQS refuses: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>.

/// A call did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// By a rule of SQS.
    #[error("{code}: {message}")]
    Rule {
        /// The shape of the error in the JSON protocol.
        code: &'static str,
        /// What it was called in the older one, which some SDKs still tell.
        older_code: &'static str,
        /// For people.
        message: String,
    },
    /// The store failed.
    #[error("the queues' store: {0}")]
    Store(#[from] rusqlite::Error),
}

impl Refused {
    fn new(code: &'static str, older_code: &'static str, message: impl Into<String>) -> Self {
        Self::Rule { code, older_code, message: message.into() }
    }

    pub(super) fn no_queue() -> Self {
        let message = "The specified queue does not exist.";
        Self::new("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", message)
    }

    pub(super) fn exists() -> Self {
        let message = "A queue already exists with the same name and a different value for an attribute.";
        Self::new("QueueNameExists", "QueueAlreadyExists", message)
    }

    pub(super) fn not_a_receipt() -> Self {
        let message = "The input receipt handle is not a valid receipt handle.";
        Self::new("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", message)
    }

    pub(super) fn not_in_flight() -> Self {
        let message = "The message is not available for visibility timeout change.";
        Self::new("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", message)
    }

    pub(super) fn contents() -> Self {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 and above.";
        Self::new("InvalidMessageContents", "InvalidMessageContents", message)
    }

    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", "InvalidParameterValue", message)
    }

    pub(super) fn missing(name: &str) -> Self {
        let message = format!("The request must contain the parameter {name}.");
        Self::new("MissingParameter", "MissingParameter", message)
    }

    pub(super) fn attribute(message: impl Into<String>) -> Self {
        Self::new("InvalidAttributeValue", "InvalidAttributeValue", message)
    }

    pub(super) fn no_source() -> Self {
        let message = "Source queue must be configured as a Dead Letter Queue.";
        Self::new("ResourceNotFoundException", "ResourceNotFoundException", message)
    }

    pub(super) fn unknown_operation(name: &str) -> Self {
        Self::new(
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            format!("{name} is not played."),
        )
    }

    pub(super) fn empty_batch() -> Self {
        let message = "There should be at least one entry in the request.";
        Self::new("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", message)
    }

    pub(super) fn too_many_entries(entries: usize) -> Self {
        let message = format!("Maximum number of entries per request are 10. You have sent {entries}.");
        Self::new("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", message)
    }

    pub(super) fn repeated_entry(id: &str) -> Self {
        let message = format!("Id {id} repeated.");
        Self::new("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", message)
    }

    pub(super) fn batch_too_long() -> Self {
        let message = "Batch requests cannot be longer than 1048576 bytes.";
        Self::new("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", message)
    }

    /// Code and message, for one entry of a batch.
    pub(super) fn told(&self) -> (&'static str, String) {
        match self {
            Self::Rule { code, message, .. } => (code, message.clone()),
            Self::Store(_) => ("InternalError", "The queues' store failed.".to_owned()),
        }
    }
}
