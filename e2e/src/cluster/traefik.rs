//! Traefik as the ingress controller, with nginx pods behind it.

use std::time::Duration;

use anyhow::{Context, Result};

use super::images::{NGINX, TRAEFIK};
use super::{Cluster, own};

const DEPLOYMENT: &str = include_str!("traefik.yaml");
const WEB: &str = include_str!("web.yaml");

/// Kinds that Traefik watches; without one of them it serves none.
const KINDS: &[(&str, &str)] = &[
    ("IngressRoute", "ingressroutes"),
    ("IngressRouteTCP", "ingressroutetcps"),
    ("IngressRouteUDP", "ingressrouteudps"),
    ("Middleware", "middlewares"),
    ("MiddlewareTCP", "middlewaretcps"),
    ("ServersTransport", "serverstransports"),
    ("ServersTransportTCP", "serverstransporttcps"),
    ("TLSOption", "tlsoptions"),
    ("TLSStore", "tlsstores"),
    ("TraefikService", "traefikservices"),
];

/// Time for an image to be unpacked and a program to start on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A running Traefik.
#[derive(Debug)]
pub struct Traefik {
    class: String,
    node_port: u16,
}

impl Traefik {
    /// Starts Traefik in `namespace` as ingress class `class`, reached at `node_port` of every node.
    ///
    /// It believes an `X-Forwarded-For` from its own loopback, where `kubectl port-forward` comes from.
    pub fn start(cluster: &Cluster, namespace: &str, class: &str, node_port: u16) -> Result<Traefik> {
        serve_kinds(cluster)?;
        let yaml = DEPLOYMENT
            .replace("@IMAGE@", TRAEFIK)
            .replace("@CLASS@", class)
            .replace("@NAMESPACE@", namespace)
            .replace("@NODE_PORT@", &node_port.to_string());
        cluster.apply_in(namespace, &yaml)?;
        cluster.rolled_out(namespace, "deployment/traefik", START)?;
        Ok(Traefik {
            class: class.to_owned(),
            node_port,
        })
    }

    /// Starts an nginx in `namespace` with an Ingress of this Traefik.
    pub fn publish(&self, cluster: &Cluster, namespace: &str) -> Result<()> {
        let yaml = WEB.replace("@IMAGE@", NGINX).replace("@CLASS@", &self.class);
        cluster.apply_in(namespace, &yaml)?;
        cluster.rolled_out(namespace, "deployment/web", START)
    }

    /// Where the pretend internet reaches it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}:{}{path}", own::PUBLIC, self.node_port)
    }

    /// Removes what no namespace takes along.
    pub fn remove(cluster: &Cluster, class: &str) -> Result<()> {
        let kinds = ["clusterrole", "clusterrolebinding", "ingressclass"];
        let objects = kinds.map(|kind| format!("{kind}/{class}"));
        let mut words = vec!["delete", "--ignore-not-found"];
        words.extend(objects.iter().map(String::as_str));
        cluster.kubectl(&words).map(drop)
    }
}

/// Serves Traefik's kinds, with any content: their own definitions are not in the package that brings the program.
pub fn serve_kinds(cluster: &Cluster) -> Result<()> {
    if cluster.serves("middlewares.traefik.io") {
        return Ok(());
    }
    let yaml: Vec<String> = KINDS
        .iter()
        .map(|(kind, plural)| definition(kind, plural))
        .collect();
    cluster.apply(&yaml.join("---\n"))?;
    let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s"];
    let names: Vec<String> = KINDS
        .iter()
        .map(|(_, plural)| format!("crd/{plural}.traefik.io"))
        .collect();
    wait.extend(names.iter().map(String::as_str));
    cluster
        .kubectl(&wait)
        .map(drop)
        .context("serving Traefik's kinds")
}

fn definition(kind: &str, plural: &str) -> String {
    let singular = kind.to_lowercase();
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.traefik.io}}
spec:
  group: traefik.io
  scope: Namespaced
  names: {{kind: {kind}, plural: {plural}, singular: {singular}}}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}
