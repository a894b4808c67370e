//! The volume of the database.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::labels::Component;
use crate::names;
use crate::security_engine::validate::Validated;

/// Returns the claim; it outlives the engine, so that a mistaken deletion costs no decision.
pub fn build(validated: &Validated, size: &Quantity, class: Option<&str>) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: validated
            .owner
            .kept_meta(validated.name(names::LAPI_DATA), Component::Lapi),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: class.map(str::to_owned),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size.clone())])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
