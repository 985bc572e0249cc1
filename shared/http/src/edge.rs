//! What every endpoint is given.

use auth::Verifier;
use clock::{Clock, Ids, Rng};
use config::Settings;
use domain::attachments::Cdn;
use storage::{Table, cursor::Seal};

use crate::StartError;

/// The table, time, ids and what proves who calls: the least that an endpoint is given. The
/// `App` of a domain that needs no more.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The single table.
    pub table: Table,
    /// The present.
    pub clock: Clock,
    /// New ids and request tokens.
    pub ids: Ids,
    /// Randomness.
    pub rng: Rng,
    /// Checks access tokens.
    pub verifier: Verifier,
    /// Seals cursors.
    pub cursors: Seal,
    /// Where public files are.
    pub cdn: Cdn,
}

impl Edge {
    /// Puts the parts together.
    pub fn new(settings: &Settings, table: Table, clock: Clock, rng: Rng) -> Result<Self, StartError> {
        let verifier = Verifier::new(&settings.token_public_keys).map_err(|error| StartError(error.to_string()))?;
        let cursors = Seal::new(settings.cursor_key.expose().as_bytes());
        let cdn = Cdn::at(&settings.cdn_base_url);
        Ok(Self { table, ids: Ids::new(clock.clone(), rng.clone()), clock, rng, verifier, cursors, cdn })
    }

    /// What runs in a deployed function: the region's table, the machine's clock and entropy.
    pub async fn deployed(settings: &Settings) -> Result<Self, StartError> {
        let (clock, rng) = (Clock::system(), Rng::from_system());
        let connection = storage::Connection {
            table: settings.table.clone(),
            endpoint: settings.dynamodb_endpoint.clone(),
            region: settings.region.clone(),
            credentials: None,
            http: None,
        };
        let table = Table::connect(connection, &clock, &rng).await;
        Self::new(settings, table, clock, rng)
    }
}

impl AsRef<Self> for Edge {
    fn as_ref(&self) -> &Self {
        self
    }
}
