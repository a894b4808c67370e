//! Fifth step: from what was done to conditions and fields; pure.

use std::cmp::max;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use kube::core::ResourceExt as _;

use crate::bouncer::key::KeyState;
use crate::bouncer::validate::Validated;
use crate::conditions::Conditions;
use crate::crd::Bouncer;
use crate::crd::bouncer::{BouncerStatus, IntegrationType};
use crate::crd::conditions::{
    Accepted, Degraded, Integrated, Progressing, Ready, Reason as _, Registered, SecretSynced,
    Status as Holds,
};
use crate::engine::Refused;
use crate::names;
use crate::problem::{self, Problem};

/// A pull that is told again only after this while, so that a working bouncer costs no writes.
const PULL_NEWS: SignedDuration = SignedDuration::from_mins(5);

/// Why a Bouncer is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Its engine is not there or does not permit it.
    Engine(Refused),
    /// Its spec is wrong.
    Invalid(Vec<Problem>),
}

/// What became of a Bouncer that is carried out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The key in use.
    pub key: Option<KeyState>,
    /// What became of the Secrets, with the message.
    pub secret: (SecretSynced, String),
    /// What became of the rows, with the message.
    pub registered: (Registered, String),
    /// Newest pull with any valid key.
    pub last_pull: Option<Timestamp>,
    /// What the cluster refused.
    pub refused: Option<String>,
    /// The pods that are asked.
    pub deployment: Option<Deployment>,
    /// Whether the Middleware is served.
    pub middleware_served: bool,
}

/// Returns the status of a Bouncer that is not carried out; what runs already is left as it is.
pub fn refused(bouncer: &Bouncer, refusal: &Refusal, now: Timestamp) -> BouncerStatus {
    let before = bouncer.status.clone().unwrap_or_default();
    let mut conditions = Conditions::new(&before.conditions, bouncer.metadata.generation, now);
    let (accepted, ready, message) = match refusal {
        Refusal::Engine(refused @ Refused::NotFound { .. }) => (
            Accepted::EngineNotFound,
            Ready::EngineNotFound,
            refused.to_string(),
        ),
        Refusal::Engine(refused @ Refused::NotAllowed { .. }) => {
            (Accepted::NotAllowed, Ready::NotAllowed, refused.to_string())
        }
        Refusal::Invalid(problems) => (Accepted::Invalid, Ready::Invalid, problem::text(problems)),
    };
    conditions.set(ready, &message);
    conditions.set(accepted, &message);
    match refusal {
        Refusal::Engine(_) => conditions.set(Progressing::Waiting, &message),
        Refusal::Invalid(_) => conditions.set(Progressing::Invalid, &message),
    }
    match refusal {
        Refusal::Engine(_) => conditions.set(Degraded::AsExpected, ""),
        Refusal::Invalid(_) => conditions.set(Degraded::Invalid, &message),
    }
    match refusal {
        Refusal::Engine(_) => conditions.set(Registered::EngineUnavailable, &message),
        Refusal::Invalid(_) => conditions.keep::<Registered>(),
    }
    conditions.keep::<SecretSynced>();
    conditions.keep::<Integrated>();
    BouncerStatus {
        observed_generation: bouncer.metadata.generation,
        conditions: conditions.finish(),
        ..before
    }
}

/// Returns the status of a Bouncer that is carried out.
pub fn status(bouncer: &Bouncer, validated: &Validated, outcome: &Outcome, now: Timestamp) -> BouncerStatus {
    let before = bouncer.status.clone().unwrap_or_default();
    let mut conditions = Conditions::new(&before.conditions, bouncer.metadata.generation, now);
    let (integrated, integrated_text) = integration(bouncer, validated, outcome);
    let (secret, secret_text) = &outcome.secret;
    let (registered, registered_text) = &outcome.registered;
    let first_fault = [
        (secret.status(), secret_text),
        (registered.status(), registered_text),
        (integrated.status(), &integrated_text),
    ]
    .into_iter()
    .find(|(status, _)| *status != Holds::True)
    .map(|(_, text)| text.clone());
    match (&outcome.refused, &first_fault) {
        (Some(why), _) => conditions.set(Ready::ApplyFailed, why),
        (None, Some(text)) if integrated == Integrated::Starting && secret.status() == Holds::True => {
            conditions.set(Ready::Starting, text);
        }
        (None, Some(text)) if *registered == Registered::EngineUnavailable => {
            conditions.set(Ready::EngineNotReady, text);
        }
        (None, Some(text)) => conditions.set(Ready::Incomplete, text),
        (None, None) => conditions.set(Ready::Available, summary(bouncer, validated)),
    }
    conditions.set(Accepted::Accepted, "");
    match (&outcome.refused, integrated) {
        (Some(why), _) => conditions.set(Progressing::Waiting, why),
        (None, Integrated::Starting) => conditions.set(Progressing::RollingOut, &integrated_text),
        (None, _) if first_fault.is_some() => {
            conditions.set(Progressing::Waiting, first_fault.as_deref().unwrap_or_default());
        }
        (None, _) => conditions.set(Progressing::Reconciled, ""),
    }
    match (&outcome.refused, registered) {
        (Some(why), _) => conditions.set(Degraded::ApplyFailed, why),
        (None, Registered::LocalApiUnreachable) => {
            conditions.set(Degraded::LocalApiUnreachable, registered_text);
        }
        (None, _) => conditions.set(Degraded::AsExpected, ""),
    }
    conditions.set(*registered, registered_text);
    conditions.set(*secret, secret_text);
    conditions.set(integrated, &integrated_text);
    let middleware = validated.wants_middleware.then(|| {
        format!(
            "{}-{}@kubernetescrd",
            validated.owner.namespace,
            validated.name("")
        )
    });
    BouncerStatus {
        observed_generation: bouncer.metadata.generation,
        conditions: conditions.finish(),
        key_version: outcome.key.as_ref().map(|key| key.version),
        rotated_at: outcome.key.as_ref().map(|key| key.made.to_string()),
        last_pull: pulled(before.last_pull.as_deref(), outcome.last_pull),
        secret_name: outcome.key.as_ref().map(|_| validated.name(names::BOUNCER)),
        annotation: annotation(validated, middleware.as_deref()),
        middleware,
    }
}

/// What `kubectl describe` says of a Bouncer that works.
fn summary(bouncer: &Bouncer, validated: &Validated) -> String {
    let secret = validated.name(names::BOUNCER);
    match bouncer.spec.integration.r#type {
        IntegrationType::None => {
            format!(
                "the key is in Secret {secret}; give it to your bouncer with the URL {}",
                validated.url
            )
        }
        IntegrationType::ForwardAuth => format!(
            "let your ingress controller ask {} about each request; 200 lets it pass",
            validated.question_url()
        ),
        IntegrationType::Traefik => format!(
            "add the Middleware to a route: middlewares: [{{name: {}, namespace: {}}}] in an IngressRoute, or the annotation in status.annotation to an Ingress",
            validated.name(""),
            validated.owner.namespace
        ),
    }
}

fn annotation(validated: &Validated, middleware: Option<&str>) -> Option<String> {
    if let Some(middleware) = middleware {
        return Some(format!(
            "traefik.ingress.kubernetes.io/router.middlewares: {middleware}"
        ));
    }
    validated.forward_auth.as_ref().map(|_| {
        format!(
            "nginx.ingress.kubernetes.io/auth-url: {}",
            validated.question_url()
        )
    })
}

fn integration(bouncer: &Bouncer, validated: &Validated, outcome: &Outcome) -> (Integrated, String) {
    let Some(service) = &validated.forward_auth else {
        return (Integrated::NotRequested, String::new());
    };
    if bouncer.spec.integration.r#type == IntegrationType::Traefik && !outcome.middleware_served {
        let text = "the cluster serves no Middleware of traefik.io/v1alpha1: install Traefik's definitions, or set integration.type to ForwardAuth and let it ask the Service by yourself";
        return (Integrated::CrdMissing, text.to_owned());
    }
    let status = outcome.deployment.as_ref().and_then(|live| live.status.as_ref());
    let ready = status
        .and_then(|status| status.ready_replicas)
        .unwrap_or_default();
    let updated = status
        .and_then(|status| status.updated_replicas)
        .unwrap_or_default();
    let is_seen = status.and_then(|status| status.observed_generation)
        >= outcome
            .deployment
            .as_ref()
            .and_then(|live| live.metadata.generation);
    if ready >= service.replicas && updated >= service.replicas && is_seen && outcome.deployment.is_some() {
        return (Integrated::Available, format!("{ready} pods answer"));
    }
    // One pod that answers is enough for requests; the others come.
    let text = format!(
        "{ready} of {} pods are ready; see: kubectl -n {} describe deployment {}",
        service.replicas,
        bouncer.namespace().unwrap_or_default(),
        validated.name(names::FORWARD_AUTH)
    );
    (Integrated::Starting, text)
}

/// Returns the time to tell: the one that is told already until there is news.
fn pulled(told: Option<&str>, seen: Option<Timestamp>) -> Option<String> {
    let before: Option<Timestamp> = told.and_then(|text| text.parse().ok());
    match (before, seen) {
        (Some(before), Some(seen)) if seen.duration_since(before) >= PULL_NEWS => Some(seen.to_string()),
        (Some(before), _) => Some(before.to_string()),
        (None, seen) => seen.map(|seen| seen.to_string()),
    }
}

/// Returns the newest of some times.
pub fn newest(times: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    times.fold(None, max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bouncer::fixtures::{bouncer, state, validated};

    const TRAEFIK: &str = "engineRef: {name: main, namespace: crowdsec}\nintegration: {type: Traefik}";

    fn now() -> Timestamp {
        "2026-01-01T00:10:00Z".parse().unwrap()
    }

    fn outcome() -> Outcome {
        Outcome {
            key: Some(state()),
            secret: (SecretSynced::Synced, String::new()),
            registered: (Registered::Registered, String::new()),
            last_pull: None,
            refused: None,
            deployment: None,
            middleware_served: true,
        }
    }

    fn ready(pods: i32) -> Option<Deployment> {
        serde_json::from_value(serde_json::json!({
            "metadata": {"generation": 1},
            "status": {"observedGeneration": 1, "readyReplicas": pods, "updatedReplicas": 2},
        }))
        .unwrap()
    }

    fn told(spec: &str, outcome: &Outcome) -> Vec<String> {
        let status = status(&bouncer(spec), &validated(spec), outcome, now());
        status
            .conditions
            .iter()
            .map(|condition| format!("{}={} {}", condition.type_, condition.status, condition.reason))
            .collect()
    }

    #[test]
    fn a_key_alone_is_ready_when_it_is_registered() {
        let all = told("engineRef: {name: main}", &outcome());
        assert_eq!(all[0], "Ready=True Available");
        assert!(all.contains(&"Integrated=True NotRequested".to_owned()));
    }

    #[test]
    fn a_key_waits_for_an_engine_that_does_not_serve_and_nothing_is_degraded() {
        let waiting = Outcome {
            registered: (Registered::EngineUnavailable, "it starts".into()),
            ..outcome()
        };
        let all = told("engineRef: {name: main}", &waiting);
        assert_eq!(all[0], "Ready=False EngineNotReady");
        assert!(all.contains(&"Degraded=False AsExpected".to_owned()), "{all:?}");
    }

    #[test]
    fn pods_that_are_not_ready_yet_are_a_rollout() {
        let one = Outcome {
            deployment: ready(1),
            ..outcome()
        };
        let all = told(TRAEFIK, &one);
        assert_eq!(all[0], "Ready=False Starting");
        assert!(all.contains(&"Progressing=True RollingOut".to_owned()));
        let both = Outcome {
            deployment: ready(2),
            ..outcome()
        };
        assert_eq!(told(TRAEFIK, &both)[0], "Ready=True Available");
    }

    #[test]
    fn a_missing_definition_is_told_with_its_cure() {
        let missing = Outcome {
            middleware_served: false,
            deployment: ready(2),
            ..outcome()
        };
        let all = told(TRAEFIK, &missing);
        assert!(all.contains(&"Integrated=False CrdMissing".to_owned()));
        assert_eq!(all[0], "Ready=False Incomplete");
    }

    #[test]
    fn a_refused_bouncer_says_why_and_keeps_what_it_had() {
        let refusal = Refusal::Engine(Refused::NotAllowed {
            key: crate::cluster::store::Key::new("crowdsec", "main"),
            namespace: "edge".into(),
            why: "its allowedNamespaces.from is Same".into(),
        });
        let status = refused(
            &bouncer("engineRef: {name: main, namespace: crowdsec}"),
            &refusal,
            now(),
        );
        assert_eq!(status.conditions[1].reason, "NotAllowed");
        assert!(
            status.conditions[1]
                .message
                .contains("does not permit namespace edge")
        );
    }

    #[test]
    fn a_working_bouncer_costs_no_writes() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let first = pulled(None, at("2026-01-01T00:00:00Z"));
        assert_eq!(first.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(pulled(first.as_deref(), at("2026-01-01T00:04:59Z")), first);
        let later = pulled(first.as_deref(), at("2026-01-01T00:05:00Z"));
        assert_eq!(later.as_deref(), Some("2026-01-01T00:05:00Z"));
        assert_eq!(pulled(later.as_deref(), None), later);
    }

    #[test]
    fn the_text_to_paste_fits_the_integration() {
        let status = status(&bouncer(TRAEFIK), &validated(TRAEFIK), &outcome(), now());
        insta::assert_snapshot!(status.annotation.unwrap(), @"traefik.ingress.kubernetes.io/router.middlewares: edge-web@kubernetescrd");
    }
}
