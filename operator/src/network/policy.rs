//! From the table to one NetworkPolicy a workload. A row whose peer is unknown gives no rule, never an open one.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;

use crate::crd::common;
use crate::labels::{self, Component};
use crate::network::{Direction, NODE_LOCAL_DNS, Peer, Pods, Port, ROWS};

/// Label that every namespace has with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Address and port where the API server can be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiServer {
    /// Range, mostly of one address.
    pub cidr: String,
    /// Port; every one when it is unknown.
    pub port: Option<i32>,
}

/// Who the peers of one workload are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peers {
    /// Pods for each peer that is found by labels.
    pub pods: BTreeMap<Peer, Vec<NetworkPolicyPeer>>,
    /// Where the API server is.
    pub api_server: Vec<ApiServer>,
    /// Port of the hub; none when nothing is installed from one.
    pub hub_port: Option<i32>,
    /// Rules of the user.
    pub extra_ingress: Vec<NetworkPolicyIngressRule>,
    /// Rules of the user.
    pub extra_egress: Vec<NetworkPolicyEgressRule>,
}

impl Peers {
    /// Adds pods as a peer.
    pub fn add(&mut self, peer: Peer, pods: NetworkPolicyPeer) {
        let all = self.pods.entry(peer).or_default();
        if !all.contains(&pods) {
            all.push(pods);
        }
    }
}

/// Returns the policy of a workload: everything that is not in the table is refused, both ways.
pub fn build_policy(meta: ObjectMeta, component: Component, resource: &str, peers: &Peers) -> NetworkPolicy {
    let rows = || ROWS.iter().filter(|row| row.pods == Pods::Of(component));
    let mut ingress: Vec<NetworkPolicyIngressRule> = rows()
        .filter(|row| row.direction == Direction::In)
        .filter_map(|row| Some((known(peers, row.peer)?, ports(row.port, peers))))
        .map(|(from, ports)| NetworkPolicyIngressRule {
            from: Some(from),
            ports: Some(ports),
        })
        .collect();
    ingress.extend(
        peers
            .extra_ingress
            .iter()
            .filter(|rule| rule.from.as_ref().is_some_and(|from| !from.is_empty()))
            .cloned(),
    );
    let mut egress: Vec<NetworkPolicyEgressRule> = Vec::new();
    for row in rows().filter(|row| row.direction == Direction::Out) {
        if row.peer == Peer::ApiServer {
            egress.extend(peers.api_server.iter().map(to_api_server));
        } else if let Some(to) = known(peers, row.peer) {
            egress.push(NetworkPolicyEgressRule {
                to: Some(to),
                ports: Some(ports(row.port, peers)),
            });
        }
    }
    egress.extend(
        peers
            .extra_egress
            .iter()
            .filter(|rule| rule.to.as_ref().is_some_and(|to| !to.is_empty()))
            .cloned(),
    );
    NetworkPolicy {
        metadata: meta,
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(matching(labels::selector(component, resource))),
            policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
            ingress: Some(ingress),
            egress: Some(egress),
        }),
    }
}

/// Returns the peers of a row, none when nobody is known: an empty list would admit everybody.
fn known(peers: &Peers, peer: Peer) -> Option<Vec<NetworkPolicyPeer>> {
    let found = match peer {
        Peer::Dns => name_servers(),
        Peer::Hub => peers.hub_port.map(|_| public_addresses()).unwrap_or_default(),
        _ => peers.pods.get(&peer).cloned().unwrap_or_default(),
    };
    (!found.is_empty()).then_some(found)
}

fn ports(port: Port, peers: &Peers) -> Vec<NetworkPolicyPort> {
    match port {
        Port::Tcp(number) => vec![tcp(number)],
        Port::UdpAndTcp(number) => vec![
            NetworkPolicyPort {
                protocol: Some("UDP".into()),
                ..tcp(number)
            },
            tcp(number),
        ],
        Port::Hub => peers.hub_port.map(tcp).into_iter().collect(),
        // Written with each address, because every endpoint may have its own.
        Port::ApiServer => Vec::new(),
    }
}

fn tcp(number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(number)),
        protocol: Some("TCP".into()),
        end_port: None,
    }
}

fn to_api_server(server: &ApiServer) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        to: Some(vec![address(&server.cidr, &[])]),
        ports: server.port.map(|port| vec![tcp(port)]),
    }
}

/// Returns pods of one namespace.
pub fn pods_in(namespace: &str, labels: BTreeMap<String, String>) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(matching(
            [(NAMESPACE_NAME.to_owned(), namespace.to_owned())].into(),
        )),
        pod_selector: Some(matching(labels)),
        ip_block: None,
    }
}

/// Returns the pods that a user named; without a namespace selector those of `namespace`.
pub fn named(peer: &common::Peer, namespace: &str) -> NetworkPolicyPeer {
    let own = || matching([(NAMESPACE_NAME.to_owned(), namespace.to_owned())].into());
    NetworkPolicyPeer {
        namespace_selector: Some(peer.namespace_selector.clone().unwrap_or_else(own)),
        pod_selector: peer.pod_selector.clone(),
        ip_block: None,
    }
}

/// Returns who may scrape when the user named nobody: pods of any Prometheus by its usual label.
pub fn any_prometheus() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(matching(
            [(labels::KEY_NAME.to_owned(), "prometheus".to_owned())].into(),
        )),
        ip_block: None,
    }
}

fn name_servers() -> Vec<NetworkPolicyPeer> {
    let mut pods = pods_in("kube-system", BTreeMap::new());
    pods.pod_selector = Some(LabelSelector {
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: "k8s-app".into(),
            operator: "In".into(),
            values: Some(vec!["kube-dns".into(), "node-local-dns".into()]),
        }]),
        match_labels: None,
    });
    vec![pods, address(NODE_LOCAL_DNS, &[])]
}

/// Two halves rather than all at once: some network plugins do not take `0.0.0.0/0`.
fn public_addresses() -> Vec<NetworkPolicyPeer> {
    vec![
        address("0.0.0.0/1", &["10.0.0.0/8", "100.64.0.0/10"]),
        address(
            "128.0.0.0/1",
            &["169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
        ),
        address("2000::/3", &[]),
    ]
}

fn address(cidr: &str, except: &[&str]) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: cidr.to_owned(),
            except: (!except.is_empty()).then(|| except.iter().map(|range| (*range).to_owned()).collect()),
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn matching(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector {
        match_labels: (!labels.is_empty()).then_some(labels),
        match_expressions: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(component: Component, peers: &Peers) -> String {
        let policy = build_policy(ObjectMeta::default(), component, "main", peers);
        golang::yaml::to_string(&policy.spec).unwrap()
    }

    #[test]
    fn a_workload_without_known_peers_admits_nobody() {
        let policy = build_policy(ObjectMeta::default(), Component::Lapi, "main", &Peers::default());
        let spec = policy.spec.unwrap();
        assert_eq!(spec.ingress, Some(Vec::new()));
        assert_eq!(spec.policy_types.unwrap(), ["Ingress", "Egress"]);
        for rule in spec.egress.unwrap() {
            assert!(!rule.to.unwrap().is_empty());
        }
    }

    #[test]
    fn an_agent_reaches_its_local_api_the_api_server_and_names() {
        let mut peers = Peers {
            api_server: vec![ApiServer {
                cidr: "10.99.0.1/32".into(),
                port: Some(6443),
            }],
            ..Peers::default()
        };
        peers.add(
            Peer::LocalApi,
            pods_in("crowdsec", labels::selector(Component::Lapi, "main")),
        );
        peers.add(Peer::Prometheus, any_prometheus());
        insta::assert_snapshot!(text(Component::Agent, &peers), @r#"
        egress:
          - ports:
              - port: 8080
                protocol: TCP
            to:
              - namespaceSelector:
                  matchLabels:
                    kubernetes.io/metadata.name: crowdsec
                podSelector:
                  matchLabels:
                    app.kubernetes.io/component: lapi
                    app.kubernetes.io/instance: main
                    app.kubernetes.io/name: crowdsec
          - ports:
              - port: 6443
                protocol: TCP
            to:
              - ipBlock:
                  cidr: 10.99.0.1/32
          - ports:
              - port: 53
                protocol: UDP
              - port: 53
                protocol: TCP
            to:
              - namespaceSelector:
                  matchLabels:
                    kubernetes.io/metadata.name: kube-system
                podSelector:
                  matchExpressions:
                    - key: k8s-app
                      operator: In
                      values:
                        - kube-dns
                        - node-local-dns
              - ipBlock:
                  cidr: 169.254.20.10/32
        ingress:
          - from:
              - namespaceSelector: {}
                podSelector:
                  matchLabels:
                    app.kubernetes.io/name: prometheus
            ports:
              - port: 6060
                protocol: TCP
        podSelector:
          matchLabels:
            app.kubernetes.io/component: agent
            app.kubernetes.io/instance: main
            app.kubernetes.io/name: crowdsec
        policyTypes:
          - Ingress
          - Egress
        "#);
    }

    #[test]
    fn a_rule_of_the_user_without_peers_is_left_out() {
        let peers = Peers {
            extra_ingress: vec![NetworkPolicyIngressRule::default()],
            extra_egress: vec![NetworkPolicyEgressRule {
                to: Some(Vec::new()),
                ports: None,
            }],
            ..Peers::default()
        };
        let with = build_policy(ObjectMeta::default(), Component::ForwardAuth, "main", &peers);
        let without = build_policy(
            ObjectMeta::default(),
            Component::ForwardAuth,
            "main",
            &Peers::default(),
        );
        assert_eq!(with.spec, without.spec);
    }

    #[test]
    fn the_hub_is_reached_only_when_something_comes_from_it() {
        let peers = Peers {
            hub_port: Some(443),
            ..Peers::default()
        };
        assert!(text(Component::Agent, &peers).contains("0.0.0.0/1"));
        assert!(!text(Component::Agent, &Peers::default()).contains("0.0.0.0/1"));
    }
}
