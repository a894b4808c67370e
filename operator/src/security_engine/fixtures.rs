//! An engine `main` in namespace `crowdsec` with one LogProcessor and two Bouncers, for tests.

use crate::cluster::store::Key;
use crate::context::Defaults;
use crate::crd::SecurityEngine;
use crate::crd::bouncer::IntegrationType;
use crate::labels::Owner;
use crate::security_engine::observe::{BouncerSeen, Observed};
use crate::security_engine::validate::{Validated, validate};

/// The engine with a spec.
pub(crate) fn engine(spec: &str) -> SecurityEngine {
    let spec: serde_json::Value = golang::yaml::from_str(spec, golang::yaml::Dialect::V3Known).unwrap();
    serde_json::from_value(serde_json::json!({
        "apiVersion": "crowdsec-operator.dev/v1alpha1",
        "kind": "SecurityEngine",
        "metadata": {"namespace": "crowdsec", "name": "main", "uid": "uid-of-main", "generation": 1},
        "spec": spec,
    }))
    .unwrap()
}

/// The engine as an owner.
pub(crate) fn owner() -> Owner {
    Owner::of(&engine("{}"))
}

/// Who refers to it.
pub(crate) fn observed() -> Observed {
    let bouncer = |name: &str, integration| BouncerSeen {
        key: Key::new("traefik", name),
        integration,
        network_peer: None,
    };
    Observed {
        processors: vec![Key::new("crowdsec", "nodes")],
        bouncers: vec![
            bouncer("traefik", IntegrationType::Traefik),
            bouncer("own", IntegrationType::None),
        ],
        serves_service_monitor: true,
        operator_namespace: "crowdsec".into(),
    }
}

/// What a spec that leaves it out gets.
pub(crate) fn defaults() -> Defaults {
    Defaults {
        image: "registry.example/crowdsec:1".into(),
        ..Defaults::default()
    }
}

/// The engine after the second step.
pub(crate) fn validated(spec: &str) -> Validated {
    validate(&engine(spec), &observed(), &defaults()).unwrap()
}
