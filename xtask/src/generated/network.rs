//! The table of permitted connections: `docs/network.md`, and the lines that the chart shows after an installation.

use std::fmt::Write as _;

use operator::network::{Direction, Peer, Pods, Port, ROWS, Row};

use super::{Generated, cell};

const HEAD: &str = "\
# Connections

Generated from the code: `make gen` writes it from the table that the NetworkPolicies are made of.
Policies are on by default, and whatever is not in this table is refused, in both directions.

| pods | direction | other side | port | what for | inventory |
|---|---|---|---|---|---|
";

const TAIL: &str = "
*Inventory* is the number of the line in CrowdSec's own documentation of network management that a row stands for, counted from 1; rows without one belong to Kubernetes or to this project.
Connections of that documentation that do not exist here yet, such as those to the Central API, have no row and are refused.

Probes come from the node itself, which every network plugin permits; the operator's probe port is open nevertheless, for plugins that do not.

## To change it

| you want to | set |
|---|---|
| let your Prometheus scrape | `networkPolicy.prometheus` of SecurityEngine and LogProcessor; it is every pod labelled `app.kubernetes.io/name: prometheus` by default |
| let a bouncer of yours in | `networkPeer` of its Bouncer; it is every pod of the Bouncer's namespace by default |
| let more through | `networkPolicy.extraIngress`, `networkPolicy.extraEgress`; a rule must name its peers |
| name the API server's addresses | `networkPolicy.apiServer.cidrs`, when the operator cannot read them |
| have no policy | `networkPolicy.enabled: false` |

The operator's own policy is in the chart, under `networkPolicy`.
";

pub(super) fn files() -> Vec<Generated> {
    let mut table = HEAD.to_owned();
    for row in ROWS {
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} |",
            pods(row),
            match row.direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
            cell(peer(row)),
            port(row),
            cell(row.why),
            row.inventory
                .iter()
                .map(u8::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        )
        .unwrap();
    }
    let mut notes = String::new();
    for row in ROWS {
        let arrow = match row.direction {
            Direction::In => "<-",
            Direction::Out => "->",
        };
        writeln!(
            notes,
            "    {:<14}{:<12}{arrow} {}",
            pods(row),
            port(row),
            peer(row).split(" (").next().unwrap()
        )
        .unwrap();
    }
    vec![
        Generated::new("docs/network.md", table + TAIL),
        Generated::new("charts/crowdsec-operator/files/network.txt", notes),
    ]
}

fn pods(row: &Row) -> &'static str {
    match row.pods {
        Pods::Of(component) => match component.as_str() {
            "lapi" => "Local API",
            "agent" => "agents",
            other => other,
        },
        Pods::Operator => "operator",
    }
}

fn peer(row: &Row) -> &'static str {
    match row.peer {
        Peer::Agents => "agents of the engine",
        Peer::Bouncers => "bouncers (`networkPeer` of the engine's Bouncers, and forward-auth pods)",
        Peer::Operator => "the operator",
        Peer::LocalApi => "Local API",
        Peer::IngressControllers => "ingress controllers (`networkPeer` of the Bouncer)",
        Peer::Prometheus => "Prometheus (`networkPolicy.prometheus`)",
        Peer::Dns => "cluster DNS",
        Peer::ApiServer => "the API server",
        Peer::Hub => "the host of `hub.index`",
    }
}

fn port(row: &Row) -> String {
    match row.port {
        Port::Tcp(port) => format!("{port}/TCP"),
        Port::UdpAndTcp(port) => format!("{port}"),
        Port::ApiServer => "its own".to_owned(),
        Port::Hub => "of the URL".to_owned(),
    }
}

#[test]
fn the_charts_policy_permits_what_the_table_says_of_the_operator() {
    let Some(objects) = super::chart::render("crowdsec-operator", "crowdsec", &[]) else {
        return;
    };
    let policy = objects
        .iter()
        .find(|object| object["kind"] == "NetworkPolicy")
        .unwrap();
    let ports = |side: &str| {
        let rules = policy["spec"][side].as_array().unwrap().iter();
        let mut ports: Vec<i64> = rules
            .flat_map(|rule| rule["ports"].as_array().unwrap())
            .map(|port| port["port"].as_i64().unwrap())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    };
    for row in ROWS.iter().filter(|row| row.pods == Pods::Operator) {
        let side = match row.direction {
            Direction::In => "ingress",
            Direction::Out => "egress",
        };
        match row.port {
            Port::Tcp(port) | Port::UdpAndTcp(port) => assert!(ports(side).contains(&port.into()), "{row:?}"),
            Port::ApiServer => assert!(ports(side).contains(&443) && ports(side).contains(&6443)),
            Port::Hub => panic!("the operator has no business with a hub"),
        }
    }
    assert_eq!(ports("ingress"), [6060, 8081], "and nothing else comes in");
}
