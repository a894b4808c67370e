//! Ports and peers of everything that runs: one table, from which the NetworkPolicies and `docs/network.md` are made.

pub mod policy;

use crate::labels::Component;

/// Port of the Local API and of forward-auth.
pub const API_PORT: i32 = 8080;
/// Port of metrics, probes and profiles.
pub const METRICS_PORT: i32 = 6060;
/// Port of the operator's probes.
pub const HEALTH_PORT: i32 = 8081;

/// Address of the node-local DNS cache, where one runs.
pub const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

/// The pods a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pods {
    /// Pods of a component; their policy is made by a controller.
    Of(Component),
    /// The operator's own pods; their policy is in the chart.
    Operator,
}

/// Which way a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Others connect to the pods.
    In,
    /// The pods connect to others.
    Out,
}

/// The other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Pods of the LogProcessors that refer to the engine.
    Agents,
    /// `networkPeer` of the Bouncers that refer to the engine, or their forward-auth pods.
    Bouncers,
    /// The operator's pods.
    Operator,
    /// The pods of the engine's Local API.
    LocalApi,
    /// `networkPeer` of the Bouncer: ingress controllers.
    IngressControllers,
    /// `networkPolicy.prometheus`, or pods labelled `app.kubernetes.io/name: prometheus`.
    Prometheus,
    /// The cluster's name servers and the node-local cache.
    Dns,
    /// The API server.
    ApiServer,
    /// The host of `hub.index`.
    Hub,
}

/// The port of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// TCP.
    Tcp(i32),
    /// UDP and TCP.
    UdpAndTcp(i32),
    /// As the API server's endpoints say.
    ApiServer,
    /// As the URL of `hub.index` says.
    Hub,
}

/// One permitted connection.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Lines of the documented inventory that it stands for; none for what only this project needs.
    pub inventory: &'static [u8],
    /// Whose connection.
    pub pods: Pods,
    /// Which way.
    pub direction: Direction,
    /// The other side.
    pub peer: Peer,
    /// The port.
    pub port: Port,
    /// What for.
    pub why: &'static str,
}

const LAPI: Pods = Pods::Of(Component::Lapi);
const AGENT: Pods = Pods::Of(Component::Agent);
const FORWARD_AUTH: Pods = Pods::Of(Component::ForwardAuth);

const fn row(
    inventory: &'static [u8],
    pods: Pods,
    direction: Direction,
    peer: Peer,
    port: Port,
    why: &'static str,
) -> Row {
    Row {
        inventory,
        pods,
        direction,
        peer,
        port,
        why,
    }
}

/// Every permitted connection; whatever is missing here is refused.
///
/// The inventory's lines 4 to 6 (Central API), 10 to 12 (dashboards, package sources), 15 (other databases) and 17
/// (proxies) belong to parts that do not exist; 18 is about one process and has no connection.
pub const ROWS: &[Row] = &[
    row(
        &[1, 14],
        LAPI,
        Direction::In,
        Peer::Agents,
        Port::Tcp(API_PORT),
        "agents log in, send alerts and report",
    ),
    row(
        &[1, 13],
        LAPI,
        Direction::In,
        Peer::Bouncers,
        Port::Tcp(API_PORT),
        "bouncers pull decisions",
    ),
    row(
        &[1],
        LAPI,
        Direction::In,
        Peer::Operator,
        Port::Tcp(API_PORT),
        "machines and keys are registered, the state is read",
    ),
    row(
        &[2, 3, 16],
        LAPI,
        Direction::In,
        Peer::Prometheus,
        Port::Tcp(METRICS_PORT),
        "metrics; profiles when monitoring.debug is on",
    ),
    row(&[], LAPI, Direction::Out, Peer::Dns, Port::UdpAndTcp(53), "names"),
    row(
        &[14],
        AGENT,
        Direction::Out,
        Peer::LocalApi,
        Port::Tcp(API_PORT),
        "log in, send alerts and report",
    ),
    row(
        &[2, 3, 16],
        AGENT,
        Direction::In,
        Peer::Prometheus,
        Port::Tcp(METRICS_PORT),
        "metrics; profiles when monitoring.debug is on",
    ),
    row(
        &[],
        AGENT,
        Direction::Out,
        Peer::ApiServer,
        Port::ApiServer,
        "know which log belongs to which pod, follow targets",
    ),
    row(
        &[7, 9],
        AGENT,
        Direction::Out,
        Peer::Hub,
        Port::Hub,
        "parsers and scenarios, only when hub.index is set",
    ),
    row(
        &[],
        AGENT,
        Direction::Out,
        Peer::Dns,
        Port::UdpAndTcp(53),
        "names",
    ),
    row(
        &[13],
        FORWARD_AUTH,
        Direction::Out,
        Peer::LocalApi,
        Port::Tcp(API_PORT),
        "pull decisions",
    ),
    row(
        &[],
        FORWARD_AUTH,
        Direction::In,
        Peer::IngressControllers,
        Port::Tcp(API_PORT),
        "ingress controllers ask about clients",
    ),
    row(
        &[16],
        FORWARD_AUTH,
        Direction::In,
        Peer::Prometheus,
        Port::Tcp(METRICS_PORT),
        "metrics",
    ),
    row(
        &[],
        FORWARD_AUTH,
        Direction::Out,
        Peer::Dns,
        Port::UdpAndTcp(53),
        "names",
    ),
    row(
        &[1],
        Pods::Operator,
        Direction::Out,
        Peer::LocalApi,
        Port::Tcp(API_PORT),
        "machines and keys are registered, the state is read",
    ),
    row(
        &[],
        Pods::Operator,
        Direction::Out,
        Peer::ApiServer,
        Port::ApiServer,
        "resources",
    ),
    row(
        &[],
        Pods::Operator,
        Direction::Out,
        Peer::Dns,
        Port::UdpAndTcp(53),
        "names",
    ),
    row(
        &[16],
        Pods::Operator,
        Direction::In,
        Peer::Prometheus,
        Port::Tcp(METRICS_PORT),
        "metrics",
    ),
];
