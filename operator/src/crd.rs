//! The kinds a user writes, and their custom resource definitions.

pub mod acquisition;
pub mod bouncer;
pub mod common;
pub mod conditions;
pub mod log_processor;
pub mod security_engine;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt as _;

pub use acquisition::Acquisition;
pub use bouncer::Bouncer;
pub use log_processor::LogProcessor;
pub use security_engine::SecurityEngine;

/// The API group of all kinds.
pub const GROUP: &str = "crowdsec-operator.dev";

/// The one served version.
pub const VERSION: &str = "v1alpha1";

/// Returns the definitions of all kinds, in the order they are documented.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut all = vec![
        SecurityEngine::crd(),
        LogProcessor::crd(),
        Acquisition::crd(),
        Bouncer::crd(),
    ];
    for version in all.iter_mut().flat_map(|crd| &mut crd.spec.versions) {
        let schema = version.schema.as_mut();
        if let Some(schema) = schema.and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            refuse_null(schema);
        }
    }
    all
}

/// Returns one definition as YAML.
pub fn to_yaml(crd: &CustomResourceDefinition) -> Result<String, serde_json::Error> {
    golang::yaml::to_string(crd)
}

/// Takes `nullable` away everywhere: the API server then prunes a `null`, so rules with `has()` see what was meant.
fn refuse_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(default) = &mut schema.default {
        drop_null(&mut default.0);
    }
    for below in schema.properties.iter_mut().flat_map(|all| all.values_mut()) {
        refuse_null(below);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(below)) => refuse_null(below),
        Some(JSONSchemaPropsOrArray::Schemas(all)) => all.iter_mut().for_each(refuse_null),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(below)) = &mut schema.additional_properties {
        refuse_null(below);
    }
}

/// Takes the fields without a value out of a default.
fn drop_null(default: &mut serde_json::Value) {
    if let Some(fields) = default.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(drop_null);
    }
}

#[cfg(test)]
mod tests;
