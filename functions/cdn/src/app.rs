//! What this domain is given.

use cdn::Distribution;
use config::Settings;
use devloop_http::{Edge, StartError};
use jobs::{CdnJob, Queue};

/// Built once, cloned for each batch.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// What forgets.
    pub distribution: Distribution,
    /// Where messages come from, and wait when they have to.
    pub queue: Queue<CdnJob>,
    /// How many paths a month are free.
    pub free_paths: u64,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        settings: &Settings,
        edge: Edge,
        distribution: Distribution,
        queue: Queue<CdnJob>,
    ) -> Result<Self, StartError> {
        let invalidation = settings.invalidation.as_ref();
        let invalidation = invalidation.ok_or_else(|| StartError("the distribution is missing".to_owned()))?;
        Ok(Self { edge, distribution, queue, free_paths: invalidation.free_paths.into() })
    }

    /// What runs in the deployed function.
    pub async fn deployed(settings: &Settings) -> Result<Self, StartError> {
        let invalidation = settings.invalidation.as_ref();
        let invalidation = invalidation.ok_or_else(|| StartError("the distribution is missing".to_owned()))?;
        let url = settings.cdn_queue.as_ref().ok_or_else(|| StartError("the queue is missing".to_owned()))?;
        let edge = Edge::deployed(settings).await?;
        let connection =
            cdn::Connection { endpoint: settings.cloudfront_endpoint.clone(), credentials: None, http: None };
        let distribution = Distribution::connect(connection, &invalidation.distribution_id, &edge.rng).await;
        let connection = jobs::Connection {
            endpoint: settings.sqs_endpoint.clone(),
            region: settings.region.clone(),
            credentials: None,
            http: None,
        };
        let queue = Queue::connect(connection, url, &edge.clock, &edge.rng).await;
        Self::new(settings, edge, distribution, queue)
    }
}
