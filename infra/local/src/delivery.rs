//! The stand-in for CloudFront as the server runs it: its API and its edge, each on a port of its own.

use std::{io, time::Duration};

use clock::{Movable, Rng};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    cli::ServerOptions,
    cloudfront::{CannotFetch, CloudFront, Origin, Settings},
    dependencies::Switch,
    listening::{NoPort, listen, serve},
};

/// The stand-in and its ports.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) cloudfront: CloudFront,
    /// Where the SDK speaks to it.
    pub(crate) api_url: String,
    /// Where browsers read files.
    pub(crate) edge_url: String,
    api: TcpListener,
    edge: TcpListener,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum CannotDeliver {
    /// A port.
    #[error(transparent)]
    Port(#[from] NoPort),
    /// Where its origin is.
    #[error("AWS_ENDPOINT_URL_S3 is no URL: {0}.")]
    NoUrl(#[from] url::ParseError),
    /// The client of its origin.
    #[error(transparent)]
    Origin(#[from] CannotFetch),
}

impl Delivery {
    /// Takes the ports of a stand-in that fetches from `origin`.
    pub(crate) fn open(
        options: &ServerOptions,
        origin: Origin,
        clock: &Movable,
        rng: &Rng,
    ) -> Result<Self, CannotDeliver> {
        let (api, api_url) = listen(0, "the CDN's API", "--port")?;
        let (edge, edge_url) = listen(options.cdn_port(), "the CDN", "--cdn-port")?;
        let settings = Settings {
            origin_delay: Duration::from_millis(options.cdn_origin_delay),
            origins: options.origins.clone(),
            ..Settings::default()
        };
        let cloudfront = CloudFront::new(settings, origin, clock.clock(), rng.clone());
        cloudfront.set_base_url(&edge_url);
        Ok(Self { cloudfront, api_url, edge_url, api, edge })
    }

    /// Serves both until `stopped`; the API behind its `switch`.
    pub(crate) async fn serve(self, switch: Switch, stopped: watch::Receiver<bool>) -> io::Result<()> {
        let api = serve(self.api, switch.before(self.cloudfront.api()), stopped.clone());
        let edge = serve(self.edge, self.cloudfront.edge(), stopped);
        futures::future::try_join(api, edge).await.map(drop)
    }
}
