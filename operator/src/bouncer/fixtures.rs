//! A Bouncer `web` in namespace `edge` and an engine `main` in `crowdsec`, for tests.

use std::sync::Arc;

use serde_json::Value;

use crate::bouncer::key::KeyState;
use crate::bouncer::validate::{Validated, validate};
use crate::cluster::store::Key;
use crate::context::Defaults;
use crate::crd::{Bouncer, SecurityEngine};
use crate::engine::{Engine, url};

fn yaml(text: &str) -> Value {
    golang::yaml::from_str(text, golang::yaml::Dialect::V3Known).unwrap()
}

fn resource<K: serde::de::DeserializeOwned>(kind: &str, namespace: &str, name: &str, spec: &str) -> K {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "crowdsec-operator.dev/v1alpha1",
        "kind": kind,
        "metadata": {"namespace": namespace, "name": name, "uid": format!("uid-of-{name}"), "generation": 1},
        "spec": yaml(spec),
    }))
    .unwrap()
}

/// The Bouncer with a spec.
pub(crate) fn bouncer(spec: &str) -> Bouncer {
    resource("Bouncer", "edge", "web", spec)
}

/// The engine with a spec.
pub(crate) fn engine(spec: &str) -> Engine {
    let resource: SecurityEngine = resource("SecurityEngine", "crowdsec", "main", spec);
    Engine {
        key: Key::new("crowdsec", "main"),
        url: url(&resource),
        resource: Arc::new(resource),
    }
}

/// What a spec that leaves it out gets.
pub(crate) fn defaults() -> Defaults {
    Defaults {
        image: "registry.example/crowdsec:1".into(),
        ..Defaults::default()
    }
}

/// The Bouncer after the second step; the engine has a certificate when the spec of the Bouncer says nothing else.
pub(crate) fn validated(spec: &str) -> Validated {
    validate(&bouncer(spec), &engine("{}"), None, &defaults()).unwrap()
}

/// A first key.
pub(crate) fn state() -> KeyState {
    KeyState {
        version: 1,
        made: "2026-01-01T00:00:00Z".parse().unwrap(),
        previous_until: None,
        rotated_for: None,
    }
}
