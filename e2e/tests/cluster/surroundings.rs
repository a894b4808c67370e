//! What the other cases rest on: policies that bite, and an ingress that knows who asks.

use e2e::cluster::Cluster;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::outside::Host;
use e2e::cluster::probe::policies_are_enforced;
use e2e::cluster::traefik::Traefik;
use e2e::wait::PATIENCE;

#[test]
fn network_policies_are_enforced() {
    let cluster = Cluster::running().unwrap();
    let namespace = Namespace::create(&cluster, "enforced", &[]).unwrap();
    let is_enforced = policies_are_enforced(&namespace).unwrap();
    if cluster.own().is_none() && !is_enforced {
        println!("skipped: this cluster's network does not enforce NetworkPolicies");
        return;
    }
    assert!(is_enforced);
}

#[test]
fn traefik_logs_the_address_of_a_client_outside_of_the_cluster() {
    let cluster = Cluster::running().unwrap();
    let Some(own) = cluster.own() else {
        println!("skipped: only a cluster of our own has an outside world");
        return;
    };
    let namespace = Namespace::create(
        &cluster,
        "ingress",
        &["pod-security.kubernetes.io/enforce=restricted"],
    )
    .unwrap();
    let traefik = Traefik::start(&cluster, namespace.name(), namespace.name(), 31080).unwrap();
    traefik.publish(&cluster, namespace.name()).unwrap();
    let visitor = Host::new(own, "198.51.100.79").unwrap();
    cluster
        .wait_for("the page to be served", PATIENCE, || {
            Ok((visitor.get(&traefik.url("/"), &[])? == "200").then_some(()))
        })
        .unwrap();
    cluster
        .wait_for("its line in /var/log/pods", PATIENCE, || {
            let pattern = format!("cat /var/log/pods/{}_traefik-*/traefik/*.log", namespace.name());
            let log = own.node(&["sh", "-c", &pattern])?;
            Ok(log.contains(" stdout F 198.51.100.79 - - [").then_some(()))
        })
        .unwrap();
    Traefik::remove(&cluster, namespace.name()).unwrap();
}
