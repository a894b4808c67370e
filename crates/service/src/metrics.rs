//! The metrics of a process and the listener that shows them, with profiles, on 6060.

pub mod profile;

mod process;
mod server;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{Encoder as _, Gauge, IntCounterVec, Opts, Registry, TextEncoder};

pub use crate::metrics::server::{Bind, Error, Server, Settings};

/// A computation that refreshes gauges just before they are read.
type Hook = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The metrics of one loaded configuration; clones share them.
///
/// There is no global registry: whoever counts is given this value.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    hooks: Arc<Mutex<Vec<Hook>>>,
    scrapes: IntCounterVec,
}

impl Metrics {
    /// Makes a registry with `cs_info{version}` and the usual metrics of a process.
    ///
    /// # Errors
    /// Only when the fixed names clash, which a test rules out.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let info = Gauge::with_opts(
            Opts::new("cs_info", "Information about Crowdsec.").const_label("version", version),
        )?;
        info.set(1.0);
        registry.register(Box::new(info))?;
        registry.register(Box::new(process::Process::new()?))?;
        let scrapes = IntCounterVec::new(
            Opts::new(
                "promhttp_metric_handler_requests_total",
                "Total number of scrapes by HTTP status code.",
            ),
            &["code"],
        )?;
        for code in ["200", "500", "503"] {
            scrapes.with_label_values(&[code]);
        }
        registry.register(Box::new(scrapes.clone()))?;
        Ok(Self {
            registry,
            hooks: Arc::default(),
            scrapes,
        })
    }

    /// Returns the registry that counters are registered in.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Adds a computation that runs before each scrape, for gauges that are read from elsewhere.
    pub fn on_scrape<F, R>(&self, hook: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.hooks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(move || Box::pin(hook())));
    }

    /// Returns all metrics in the Prometheus text format, after running the scrape hooks.
    pub async fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook().await;
        }
        let mut out = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        self.scrapes
            .with_label_values(&[if written.is_ok() { "200" } else { "500" }])
            .inc();
        written.map(|()| out)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// The format `/metrics` answers in.
pub(crate) const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

#[cfg(test)]
mod tests;
