//! First step: what the cluster has of an engine, and who refers to it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

use crate::cluster::kinds::SERVICE_MONITOR;
use crate::cluster::store::Key;
use crate::cluster::world::World;
use crate::context::Context;
use crate::crd::SecurityEngine;
use crate::crd::bouncer::IntegrationType;
use crate::crd::common::{EngineRef, Peer};
use crate::engine;

/// What is known besides the resource itself.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// LogProcessors that refer to the engine and may.
    pub processors: Vec<Key>,
    /// Bouncers that refer to the engine and may.
    pub bouncers: Vec<BouncerSeen>,
    /// Whether the cluster takes `ServiceMonitor`.
    pub serves_service_monitor: bool,
    /// Where the operator itself runs.
    pub operator_namespace: String,
}

/// A Bouncer as far as the network is concerned.
#[derive(Clone, Debug)]
pub struct BouncerSeen {
    /// Which one.
    pub key: Key,
    /// What enforces.
    pub integration: IntegrationType,
    /// Who may connect.
    pub network_peer: Option<Peer>,
}

/// Returns what is known besides the resource itself.
pub fn observe(ctx: &Context, engine: &SecurityEngine) -> Observed {
    let world = &ctx.world;
    let own = Key::of(engine);
    let may = |namespace: &str| engine::permits(world, engine, namespace).is_ok();
    let processors = world.processors.all().into_iter().filter_map(|processor| {
        let key = Key::of(&*processor);
        (refers(&processor.spec.engine_ref, &key.namespace, &own) && may(&key.namespace)).then_some(key)
    });
    let bouncers = world.bouncers.all().into_iter().filter_map(|bouncer| {
        let key = Key::of(&*bouncer);
        (refers(&bouncer.spec.engine_ref, &key.namespace, &own) && may(&key.namespace)).then(|| BouncerSeen {
            key,
            integration: bouncer.spec.integration.r#type,
            network_peer: bouncer.spec.network_peer.clone(),
        })
    });
    Observed {
        processors: processors.collect(),
        bouncers: bouncers.collect(),
        serves_service_monitor: world.serves(&SERVICE_MONITOR),
        operator_namespace: ctx.namespace.clone(),
    }
}

fn refers(reference: &EngineRef, namespace: &str, engine: &Key) -> bool {
    engine::target(reference, namespace) == *engine
}

/// Returns the addresses and ranges that belong to the cluster itself: nodes, and the pods on them.
pub fn inner_ranges(world: &World) -> Vec<ipnet::IpNet> {
    world.nodes.all().iter().flat_map(ranges_of).collect()
}

fn ranges_of(node: &Arc<Node>) -> Vec<ipnet::IpNet> {
    let spec = node.spec.as_ref();
    let pods = spec.and_then(|spec| spec.pod_cidrs.clone()).unwrap_or_default();
    let pod = spec.and_then(|spec| spec.pod_cidr.clone());
    let addresses = node
        .status
        .iter()
        .flat_map(|status| status.addresses.iter().flatten());
    let addresses = addresses
        .filter(|address| address.type_ == "InternalIP")
        .filter_map(|address| address.address.parse::<std::net::IpAddr>().ok());
    let ranges = pods.into_iter().chain(pod).filter_map(|range| range.parse().ok());
    addresses.map(ipnet::IpNet::from).chain(ranges).collect()
}
