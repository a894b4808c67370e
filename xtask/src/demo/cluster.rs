//! The story in Kubernetes: helm install, four resources, an attack on the ingress, a ban.

mod attack;
mod clients;
mod firewall;
mod look;
mod stage;

use anyhow::Result;
use e2e::cluster::Cluster;

use super::{Keep, narrate};
use stage::Stage;

/// Where operator, Local API and agents live.
const ENGINE: &str = "crowdsec";
/// Where the ingress controller lives.
const EDGE: &str = "traefik";
/// Where the web pod lives.
const SHOP: &str = "shop";

/// Plays the whole story and takes everything down, unless it is to be kept.
pub(super) fn story(keep: Keep) -> Result<()> {
    narrate::chapter("A Kubernetes cluster");
    let cluster = Cluster::fresh()?;
    narrate::quote("kubectl get nodes", &cluster.kubectl(&["get", "nodes"])?, 10);
    let outcome = play(&cluster);
    if let Err(error) = &outcome {
        narrate::step(&format!("it went wrong: {error:#}"));
        narrate::step("what the cluster says:");
        narrate::quote("", &cluster.dump(&[ENGINE, EDGE, SHOP]), 400);
    }
    if keep == Keep::Yes {
        kept(&cluster);
        return outcome;
    }
    narrate::chapter("Taking everything down");
    let down = stage::take_down(&cluster);
    outcome.and(down)
}

fn play(cluster: &Cluster) -> Result<()> {
    let stage = Stage::set(cluster)?;
    attack::play(&stage)?;
    look::around(&stage)?;
    look::at_the_network(&stage)?;
    firewall::play(&stage)?;
    attack::forgive(&stage)
}

fn kept(cluster: &Cluster) {
    narrate::chapter("Kept running");
    if cluster.own().is_some() {
        narrate::step(
            "look:      eval \"$(e2e/cluster/cluster.sh env)\"; e2e/cluster/cluster.sh kc get crowdsec -A",
        );
        narrate::step(
            "attacker:  e2e/cluster/cluster.sh outside curl --interface 198.51.100.66 http://198.51.100.1:30080/",
        );
        narrate::step(
            "visitor:   e2e/cluster/cluster.sh outside curl --interface 198.51.100.77 http://198.51.100.1:30080/",
        );
        narrate::step("end it:    e2e/cluster/cluster.sh down");
    } else {
        narrate::step("look:      kubectl get crowdsec -A");
        narrate::step(&format!(
            "end it:    helm uninstall crowdsec-operator -n {ENGINE}; kubectl delete namespace {ENGINE} {EDGE} {SHOP}"
        ));
    }
}
