//! All domains in one process: the deployed functions' routes, built from one set of parts.

use std::sync::Arc;

use auth::Hasher;
use cdn::Distribution;
use clock::{Clock, Rng};
use config::Settings;
use devloop_http::{Edge, Route, StartError};
pub use fn_attachments::{Sweeper, SweptFiles, sweep as sweep_files};
pub use fn_orders::{Matched, Reconciled, Swept, integrity, match_transactions, reconcile, sweep, work_on};
use jobs::{CdnJob, Jobs, Queue};
use media::Bucket;
use storage::Table;
use toss::Toss;

/// What all functions are built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Keys, names and addresses.
    pub settings: Settings,
    /// The present.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Takes and returns money.
    pub toss: Toss,
    /// Takes what is worked on later.
    pub jobs: Jobs,
    /// Takes paths that the CDN is to forget.
    pub cdn: Queue<CdnJob>,
    /// Keeps uploaded files.
    pub bucket: Bucket,
}

impl Parts {
    /// What every function is given, over `table`.
    pub fn edge(&self, table: Table) -> Result<Edge, StartError> {
        Edge::new(&self.settings, table, self.clock.clone(), self.rng.clone())
    }

    /// The app of carts, orders and payments: its workers need it, too.
    pub fn orders(&self, table: Table) -> Result<fn_orders::App, StartError> {
        fn_orders::App::new(&self.settings, self.edge(table)?, self.toss.clone(), self.jobs.clone())
    }

    /// The event-router over `table`.
    pub fn event_router(&self, table: Table) -> Result<worker::Handler, StartError> {
        Ok(fn_router::event_router(self.edge(table)?))
    }

    /// The app of the cdn-invalidator: no route needs it.
    pub fn invalidator(&self, table: Table, distribution: Distribution) -> Result<fn_cdn::App, StartError> {
        fn_cdn::App::new(&self.settings, self.edge(table)?, distribution, self.cdn.clone())
    }

    /// The app of uploaded files: its worker needs it, too.
    pub fn attachments(&self, table: Table) -> Result<fn_attachments::App, StartError> {
        Ok(fn_attachments::App { edge: self.edge(table)?, bucket: self.bucket.clone() })
    }

    /// What the upload-sweeper works with.
    pub fn upload_sweeper(&self, table: Table) -> Result<Sweeper, StartError> {
        Ok(Sweeper { app: self.attachments(table)?, cdn: self.cdn.clone() })
    }

    /// The routes of every domain over `table`.
    pub fn routes(&self, table: &Table) -> Result<Vec<Route>, StartError> {
        let edge = self.edge(table.clone())?;
        let auth = fn_auth::App::new(&self.settings, edge.clone(), self.hasher.clone())?;
        let tutors = fn_tutors::App::new(&self.settings, edge.clone())?;
        let orders = self.orders(table.clone())?;
        let attachments = self.attachments(table.clone())?;
        let admin = fn_admin::App { edge: edge.clone(), build: self.settings.build.clone() };
        Ok([
            fn_auth::routes(&auth),
            fn_users::routes(&edge),
            fn_tutors::routes(&tutors),
            fn_attachments::routes(&attachments),
            fn_communities::routes(&edge),
            fn_parties::routes(&edge),
            fn_reactions::routes(&edge),
            fn_pwts::routes(&edge),
            fn_schedules::routes(&edge),
            fn_orders::routes(&orders),
            fn_admin::routes(&admin),
        ]
        .concat())
    }
}

/// A Toss client that never leaves the process.
pub fn toss_over(transport: Arc<dyn toss::Transport>, base_url: &str, secret_key: &str) -> Result<Toss, StartError> {
    let unusable = |error: &dyn std::error::Error| StartError(error.to_string());
    let base_url = base_url.parse().map_err(|error: url::ParseError| unusable(&error))?;
    let secret_key = secret_key.parse().map_err(|error: toss::NotASecretKey| unusable(&error))?;
    Ok(Toss::new(base_url, secret_key, transport))
}
