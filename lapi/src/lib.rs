//! The Local API: agents post alerts, profiles turn them into decisions, bouncers pull them.
//!
//! [`run`] serves; [`store::Store`] is also what `cscli` edits bouncers and machines with. The way of an alert:
//! `api::alerts` → `ingest::decide` → `store::alerts` → the live model → `api::stream`.

pub mod api;
pub mod ingest;
pub mod live;
mod pulls;
pub mod server;
pub mod settings;
pub mod stamp;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

pub use settings::{Settings, SettingsError};
pub use store::Store;

use api::Api;
use api::metrics::Metrics;
use api::token::Tokens;
use ingest::profiles::{ProfileError, Profiles};
use pulls::Pulls;
use server::{Listeners, ServerError};
use store::StoreError;

/// Passwords hashed at a time; each takes a core for a tenth of a second.
const HASHING: usize = 2;
/// How often cursors are written.
const CURSORS: Duration = Duration::from_secs(1);
/// How often old rows are looked for.
const FLUSH: Duration = Duration::from_secs(60);

/// Says why the Local API does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration does not suffice.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database cannot be used.
    #[error("unable to create database client")]
    Store(#[from] StoreError),
    /// Profiles do not compile; all that is wrong.
    #[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Profiles {
        /// One an expression.
        problems: Vec<ProfileError>,
    },
    /// Nobody can connect.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A metric's name is taken.
    #[error("registering metrics")]
    Metrics(#[from] prometheus::Error),
}

/// A Local API that is ready to serve: database open and loaded, profiles compiled, listeners open.
#[derive(Debug)]
pub struct Ready {
    api: Arc<Api>,
    listeners: Listeners,
}

/// Prepares and serves until the token is cancelled.
pub async fn run(
    settings: Settings,
    metrics: &service::metrics::Metrics,
    token: CancellationToken,
) -> Result<(), Error> {
    let ready = prepare(settings, metrics).await?;
    ready.serve(token).await;
    Ok(())
}

/// Opens and loads everything; afterwards connections are accepted by the system and wait for [`Ready::serve`].
pub async fn prepare(settings: Settings, metrics: &service::metrics::Metrics) -> Result<Ready, Error> {
    let profiles =
        Profiles::compile(settings.profiles.clone()).map_err(|problems| Error::Profiles { problems })?;
    let options = store::Options {
        wal: settings.wal,
        ..store::Options::new(&settings.database)
    };
    let store = Store::open(&options).await?;
    store.follow().await?;
    let counters = Metrics::new(metrics.registry(), settings.metrics)?;
    let gauges = counters.gauges();
    let seen = store.clone();
    metrics.on_scrape(move || {
        let (gauges, store) = (gauges.clone(), seen.clone());
        async move { gauges.refresh(&store).await }
    });
    let listeners = Listeners::open(&settings.server).await?;
    let api = Arc::new(Api {
        tokens: Tokens::new(settings.signing_secret()?),
        admin_token: Sha256::digest(settings.admin_token()?.as_bytes()).into(),
        store,
        settings,
        profiles,
        metrics: counters,
        hashing: tokio::sync::Semaphore::new(HASHING),
        admissions: tokio::sync::Mutex::new(()),
        pulls: Pulls::default(),
        reports: api::report::Reports::default(),
    });
    Ok(Ready { api, listeners })
}

impl Ready {
    /// Returns the TCP address that is listened on.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.listeners.address()
    }

    /// Returns what requests share.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// Serves until the token is cancelled, then stores cursors and closes the database.
    pub async fn serve(self, token: CancellationToken) {
        let Self { api, listeners } = self;
        if let Some(address) = listeners.address() {
            tracing::info!("CrowdSec Local API listening on {address}");
        }
        if let Some(path) = &api.settings.server.listen_socket {
            tracing::info!("CrowdSec Local API listening on {}", path.display());
        }
        let chores = tokio::spawn(chores(Arc::clone(&api), token.clone()));
        listeners.serve(Arc::clone(&api), token).await;
        if chores.await.is_err() {
            tracing::error!("the Local API's chores ended badly");
        }
        api.store.close().await;
    }
}

/// Writes cursors and deletes old rows until the token is cancelled.
async fn chores(api: Arc<Api>, token: CancellationToken) {
    let mut cursors = tokio::time::interval(CURSORS);
    let mut flush = tokio::time::interval_at(tokio::time::Instant::now() + FLUSH, FLUSH);
    cursors.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            _tick = cursors.tick() => store_cursors(&api).await,
            _tick = flush.tick() => flush_rows(&api).await,
        }
    }
    store_cursors(&api).await;
}

async fn store_cursors(api: &Api) {
    if let Err(error) = api.pulls.store(&api.store).await {
        tracing::warn!("storing cursors: {error}");
    }
}

async fn flush_rows(api: &Api) {
    if let Err(error) = api.store.forget_retries().await {
        tracing::error!("forgetting old alerts' keys: {error}");
    }
    let Some(flush) = api.settings.flush.clone() else {
        return;
    };
    match api.store.flush_alerts(flush.max_items, flush.max_age).await {
        Ok(0) => {}
        Ok(count) => tracing::info!("flushed {count} alerts"),
        Err(error) => tracing::error!("flushing alerts: {error}"),
    }
    if let Err(error) = api.store.flush_others(flush).await {
        tracing::error!("flushing old rows: {error}");
    }
}
