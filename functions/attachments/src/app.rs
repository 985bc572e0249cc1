//! What this domain is given.

use config::Settings;
use devloop_http::{Edge, StartError};
use media::{Bucket, Connection};

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// The files themselves.
    pub bucket: Bucket,
}

impl App {
    /// What runs in a deployed function.
    pub async fn deployed(settings: &Settings) -> Result<Self, StartError> {
        let bucket = settings.media_bucket.clone().ok_or_else(|| StartError("the bucket is missing".to_owned()))?;
        let edge = Edge::deployed(settings).await?;
        let connection = Connection {
            bucket,
            endpoint: settings.s3_endpoint.clone(),
            region: settings.region.clone(),
            credentials: None,
            http: None,
        };
        let bucket = Bucket::connect(connection, &edge.clock, &edge.rng).await;
        Ok(Self { edge, bucket })
    }
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
