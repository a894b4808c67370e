//! Second step: from what was written and observed to what is meant, everything defaulted; pure.

use ipnet::IpNet;
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::core::ResourceExt as _;

use crate::bouncer::key::{ROTATE, Wish};
use crate::context::Defaults;
use crate::crd::Bouncer;
use crate::crd::bouncer::{FailurePolicy, IntegrationType, KeySecret, ReclaimPolicy, SecretCopy};
use crate::crd::common::{ImagePullPolicy, Monitoring, Peer};
use crate::engine::Engine;
use crate::labels::{self, Component, Owner};
use crate::names;
use crate::network::Peer as Row;
use crate::network::policy::{Peers, any_prometheus, named, pods_in};
use crate::problem::Problem;

/// Proxies that are believed when the spec names none: the private and shared ranges a cluster's proxies live in, and
/// the proxy's own pod, where sidecars of a mesh and forwarded ports come from.
const PRIVATE: [&str; 8] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// A Bouncer that can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// The resource.
    pub owner: Owner,
    /// URL of the Local API.
    pub url: String,
    /// Certificate of its authority.
    pub ca: Option<Vec<u8>>,
    /// A key of the user's own.
    pub own_key: Option<KeySecret>,
    /// When the key is made anew.
    pub wish: Wish,
    /// Further Secrets.
    pub copies: Vec<SecretCopy>,
    /// What becomes of the rows and the Secret in the end.
    pub reclaim: ReclaimPolicy,
    /// The Service that is asked, if there is one.
    pub forward_auth: Option<ForwardAuth>,
    /// Whether Traefik's Middleware is wanted.
    pub wants_middleware: bool,
}

/// The Service that ingress controllers ask.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardAuth {
    /// Number of pods.
    pub replicas: i32,
    /// Image.
    pub image: String,
    /// When it is pulled.
    pub pull_policy: Option<ImagePullPolicy>,
    /// Secrets with registry credentials.
    pub pull_secrets: Vec<String>,
    /// Requests and limits.
    pub resources: Option<ResourceRequirements>,
    /// Ranges of proxies that are believed.
    pub trusted_proxies: Vec<String>,
    /// What a client gets while no decisions are known.
    pub failure_policy: FailurePolicy,
    /// Status of a refusal.
    pub deny_status: i32,
    /// Time between two pulls.
    pub update_interval: String,
    /// Peers of the pods; none when the engine has no policies.
    pub peers: Option<Peers>,
    /// How the Prometheus Operator finds the metrics; as the engine says.
    pub monitoring: Monitoring,
}

/// Takes a Bouncer for what it means; all that cannot be carried out is told at once.
pub fn validate(
    bouncer: &Bouncer,
    engine: &Engine,
    ca: Option<Vec<u8>>,
    defaults: &Defaults,
) -> Result<Validated, Vec<Problem>> {
    let spec = &bouncer.spec;
    let owner = Owner::of(bouncer);
    let mut problems = Vec::new();
    let wish = Wish {
        interval: spec
            .rotation
            .interval
            .as_deref()
            .and_then(|text| duration("rotation.interval", text, &mut problems)),
        overlap: duration("rotation.overlap", &spec.rotation.overlap, &mut problems).unwrap_or_default(),
        rotate: bouncer.annotations().get(ROTATE).cloned(),
    };
    if let Some(interval) = wish.interval.filter(|interval| *interval <= wish.overlap) {
        let message = format!("a new key each {interval:#} would come before the old one ends");
        problems.push(Problem::new(
            "rotation.interval",
            message,
            "make it longer than rotation.overlap",
        ));
    }
    let secret = names::derived(&owner.name, names::BOUNCER);
    for (index, copy) in spec.secret_copies.iter().enumerate() {
        if copy.namespace == owner.namespace && copy.name == secret {
            let field = format!("secretCopies[{index}]");
            problems.push(Problem::new(
                field,
                "that Secret holds the key already",
                "remove the entry",
            ));
        }
    }
    let forward_auth = (spec.integration.r#type != IntegrationType::None)
        .then(|| forward_auth(bouncer, &owner, engine, defaults, &mut problems));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Validated {
        url: engine.url.clone(),
        ca,
        own_key: spec.key_secret.clone(),
        wish,
        copies: spec.secret_copies.clone(),
        reclaim: spec.reclaim_policy,
        forward_auth,
        wants_middleware: spec.integration.r#type == IntegrationType::Traefik,
        owner,
    })
}

impl Validated {
    /// Returns the name of an object of this Bouncer.
    pub fn name(&self, part: &str) -> String {
        names::derived(&self.owner.name, part)
    }

    /// Returns the URL at which the Service is asked.
    pub fn question_url(&self) -> String {
        format!(
            "http://{}.{}.svc:8080/",
            self.name(names::FORWARD_AUTH),
            self.owner.namespace
        )
    }
}

fn forward_auth(
    bouncer: &Bouncer,
    owner: &Owner,
    engine: &Engine,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) -> ForwardAuth {
    let spec = bouncer.spec.integration.forward_auth.clone().unwrap_or_default();
    let trusted_proxies = spec
        .trusted_proxies
        .unwrap_or_else(|| PRIVATE.map(str::to_owned).to_vec());
    for (index, range) in trusted_proxies.iter().enumerate() {
        if range.parse::<IpNet>().is_err() {
            let field = format!("integration.forwardAuth.trustedProxies[{index}]");
            let message = format!("{range:?} is no range");
            problems.push(Problem::new(
                field,
                message,
                "write it as 10.0.0.0/8 or 2001:db8::/32",
            ));
        }
    }
    let field = "integration.forwardAuth.updateInterval";
    let interval = duration(field, &spec.update_interval, problems);
    if interval.is_some_and(|interval| interval < SignedDuration::from_millis(100)) {
        let message = "the Local API would be asked more than ten times a second";
        problems.push(Problem::new(field, message, "use 100ms or longer"));
    }
    ForwardAuth {
        replicas: spec.replicas,
        image: spec.image.unwrap_or_else(|| defaults.image.clone()),
        pull_policy: defaults.image_pull_policy,
        pull_secrets: defaults.image_pull_secrets.clone(),
        resources: spec.resources,
        trusted_proxies,
        failure_policy: spec.failure_policy,
        deny_status: spec.deny_status,
        update_interval: spec.update_interval,
        peers: peers(bouncer, owner, engine),
        monitoring: engine.resource.spec.monitoring.clone(),
    }
}

fn peers(bouncer: &Bouncer, owner: &Owner, engine: &Engine) -> Option<Peers> {
    let policy = &engine.resource.spec.network_policy;
    if !policy.enabled {
        return None;
    }
    let mut peers = Peers::default();
    peers.add(
        Row::LocalApi,
        pods_in(
            &engine.key.namespace,
            labels::selector(Component::Lapi, &engine.key.name),
        ),
    );
    let everybody_here = Peer::default();
    let asking = bouncer.spec.network_peer.as_ref().unwrap_or(&everybody_here);
    peers.add(Row::IngressControllers, named(asking, &owner.namespace));
    peers.add(
        Row::Prometheus,
        policy
            .prometheus
            .as_ref()
            .map_or_else(any_prometheus, |peer| named(peer, &engine.key.namespace)),
    );
    Some(peers)
}

/// Reads a duration as Go does, with days.
fn duration(field: &str, text: &str, problems: &mut Vec<Problem>) -> Option<SignedDuration> {
    match golang::duration::Duration::parse_days(text) {
        Ok(duration) => Some(SignedDuration::from_nanos(duration.0)),
        Err(error) => {
            problems.push(Problem::new(
                field,
                error.to_string(),
                "write it as 90s, 12h or 30d",
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bouncer::fixtures::{bouncer, defaults, engine};

    #[track_caller]
    fn check(spec: &str, expected: &[&str]) {
        let outcome = validate(&bouncer(spec), &engine("{}"), None, &defaults());
        let problems: Vec<String> = outcome
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(problems, expected, "{spec}");
    }

    #[test]
    fn every_fault_is_told_with_its_field_and_cure() {
        check("engineRef: {name: main}", &[]);
        check(
            "engineRef: {name: main}\nrotation: {interval: 30m, overlap: 1h}",
            &[
                "spec.rotation.interval: a new key each 30m would come before the old one ends; make it longer than rotation.overlap",
            ],
        );
        check(
            "engineRef: {name: main}\nsecretCopies: [{namespace: edge, name: web-bouncer}]",
            &["spec.secretCopies[0]: that Secret holds the key already; remove the entry"],
        );
        check(
            "engineRef: {name: main}\nintegration: {type: ForwardAuth, forwardAuth: {trustedProxies: ['10.0.0.0/40'], updateInterval: 5ms}}",
            &[
                "spec.integration.forwardAuth.trustedProxies[0]: \"10.0.0.0/40\" is no range; write it as 10.0.0.0/8 or 2001:db8::/32",
                "spec.integration.forwardAuth.updateInterval: the Local API would be asked more than ten times a second; use 100ms or longer",
            ],
        );
    }

    #[test]
    fn without_policies_of_the_engine_there_is_none_here() {
        let spec = "engineRef: {name: main}\nintegration: {type: ForwardAuth}";
        let closed = engine("networkPolicy: {enabled: false}");
        let validated = validate(&bouncer(spec), &closed, None, &defaults()).unwrap();
        assert_eq!(validated.forward_auth.unwrap().peers, None);
    }
}
