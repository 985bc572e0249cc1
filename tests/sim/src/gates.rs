//! Calls that a scenario holds up, so that others overtake them.

use std::sync::Arc;

use tokio::sync::Notify;

/// One call that is to be held. Opened, it goes on.
#[derive(Clone, Debug)]
pub struct Gate {
    reached: Arc<Notify>,
    opened: Arc<Notify>,
}

impl Gate {
    /// Until the call stands before it.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the call through.
    pub fn open(&self) {
        self.opened.notify_one();
    }

    /// The call's side.
    pub async fn wait(&self) {
        self.reached.notify_one();
        self.opened.notified().await;
    }
}

/// All gates that nobody has come to yet.
#[derive(Debug, Default)]
pub struct Gates(Vec<(String, String, Gate)>);

impl Gates {
    /// A gate for the next call of `actor` that mentions `text`.
    pub fn hold(&mut self, actor: &str, text: &str) -> Gate {
        let gate = Gate { reached: Arc::default(), opened: Arc::default() };
        self.0.push((actor.to_owned(), text.to_owned(), gate.clone()));
        gate
    }

    /// The gate that a call has come to.
    pub fn meet(&mut self, actor: &str, told: &str) -> Option<Gate> {
        let found = self.0.iter().position(|(name, text, _)| name == actor && told.contains(text.as_str()))?;
        Some(self.0.remove(found).2)
    }
}
