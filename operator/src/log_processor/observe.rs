//! First step: what the cluster and the Local API say now.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use wire::admin::Status;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::ResourceExt as _;

use crate::cluster::apply::chain;
use crate::cluster::kinds::POD_MONITOR;
use crate::cluster::store::Key;
use crate::cluster::world::World;
use crate::context::{Context, Defaults};
use crate::crd::Acquisition;
use crate::engine::{self, Engine, Silence};
use crate::log_processor::select::Candidate;
use crate::network::policy::ApiServer;

/// Label that every namespace has with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// What is known besides the resource itself.
#[derive(Clone, Debug)]
pub struct Observed {
    /// All Acquisitions.
    pub candidates: Vec<Candidate>,
    /// Where the API server is.
    pub api_server: Vec<ApiServer>,
    /// Whether the cluster takes `PodMonitor`.
    pub serves_pod_monitor: bool,
    /// What a spec that leaves it out gets.
    pub defaults: Defaults,
}

/// The Local API that alerts go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalApi {
    /// The SecurityEngine.
    pub key: Key,
    /// URL of its Local API.
    pub url: String,
    /// Certificate authority in PEM; none without TLS.
    pub ca: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
}

/// Who runs where, and whom the Local API knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machines {
    /// Nodes with an agent's pod.
    pub agents: BTreeSet<String>,
    /// All nodes; none when they cannot be read.
    pub nodes: Option<BTreeSet<String>>,
    /// Logins that the Local API knows.
    pub known: BTreeSet<String>,
    /// Whether the machines were registered with another key or at another Local API.
    pub renew: bool,
}

/// What became of the objects; the status tells it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The DaemonSet as it is.
    pub daemon_set: Option<DaemonSet>,
    /// The agents' pods.
    pub pods: Vec<Pod>,
    /// Answer of the Local API, or why there is none.
    pub local_api: Result<Status, Silence>,
    /// Number of nodes with an agent whose machine is registered.
    pub registered: usize,
    /// Why an object could not be applied.
    pub apply_error: Option<String>,
    /// The Pod Security level that the namespace enforces.
    pub pod_security: Option<String>,
}

/// Returns what is known of the engine's Local API, or why agents cannot be made for it yet.
pub async fn local_api(ctx: &Context, engine: &Engine) -> Result<LocalApi, String> {
    let admin = ctx.engines.admin(&engine.resource).await.map_err(|error| {
        format!(
            "SecurityEngine {} is not there yet: {}",
            engine.key,
            chain(&error)
        )
    })?;
    Ok(LocalApi {
        key: engine.key.clone(),
        url: engine.url.clone(),
        ca: admin.ca.map(|pem| String::from_utf8_lossy(&pem).into_owned()),
        ready: engine::is_ready(&engine.resource),
    })
}

/// Returns what is known besides the resource itself.
pub fn observe(ctx: &Context, engine: &Engine) -> Observed {
    let world = &ctx.world;
    let candidates = world.acquisitions.all().into_iter();
    Observed {
        candidates: candidates
            .map(|acquisition| candidate(world, engine, acquisition))
            .collect(),
        api_server: api_server(&world.api_server.all()),
        serves_pod_monitor: world.serves(&POD_MONITOR),
        defaults: ctx.defaults.clone(),
    }
}

/// Returns an Acquisition as a LogProcessor of this engine sees it.
pub fn candidate(world: &World, engine: &Engine, acquisition: Arc<Acquisition>) -> Candidate {
    let namespace = acquisition.namespace().unwrap_or_default();
    let known = world.namespaces.get(&Key::new("", &namespace));
    // Where namespaces cannot be read, the one label that each of them has is known all the same.
    let namespace_labels = known.map_or_else(
        || [(NAMESPACE_NAME.to_owned(), namespace.clone())].into(),
        |object| object.labels().clone(),
    );
    Candidate {
        allowed: engine::permits(world, &engine.resource, &namespace).is_ok(),
        namespace_labels,
        acquisition,
    }
}

/// Returns the addresses behind the Service `kubernetes`, where policies are judged by them.
fn api_server(slices: &[Arc<EndpointSlice>]) -> Vec<ApiServer> {
    let mut all: Vec<ApiServer> = Vec::new();
    for slice in slices {
        let ports: Vec<Option<i32>> = slice.ports.iter().flatten().map(|port| port.port).collect();
        for address in slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses) {
            let width = if address.contains(':') { 128 } else { 32 };
            all.extend(ports.iter().map(|port| ApiServer {
                cidr: format!("{address}/{width}"),
                port: *port,
            }));
        }
    }
    all.sort();
    all.dedup();
    all
}
