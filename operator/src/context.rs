//! What every controller is given.

use std::sync::Arc;

use kube::Client;
use serde::Deserialize;

use crate::answers::Answers;
use crate::cluster::apply::Applier;
use crate::cluster::events::Recorder;
use crate::cluster::world::World;
use crate::crd::common::ImagePullPolicy;
use crate::engine::Engines;
use crate::metrics::Metrics;

/// The cluster, the ways to change it, and the defaults.
pub struct Context {
    /// Client of the API server.
    pub client: Client,
    /// What the cluster is like.
    pub world: Arc<World>,
    /// Writes objects.
    pub applier: Applier,
    /// Writes events.
    pub recorder: Recorder,
    /// Engines that resources refer to, with their admin clients.
    pub engines: Engines,
    /// What their Local APIs said.
    pub answers: Answers,
    /// What a spec that leaves it out gets.
    pub defaults: Defaults,
    /// The operator's own namespace.
    pub namespace: String,
    /// Counters.
    pub metrics: Metrics,
}

/// What a spec that leaves it out gets; the file of `--defaults`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Defaults {
    /// Image of all pods that are made.
    pub image: String,
    /// When it is pulled.
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Names of Secrets with registry credentials; they must exist in each namespace.
    pub image_pull_secrets: Vec<String>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            image: "ghcr.io/crowdsec-operator/crowdsec:latest".into(),
            image_pull_policy: None,
            image_pull_secrets: Vec::new(),
        }
    }
}
