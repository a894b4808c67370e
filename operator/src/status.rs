//! Writing a status: only when it differs, with an event for each transition.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::core::ResourceExt as _;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cluster::apply::FIELD_MANAGER;
use crate::conditions::transitions;
use crate::context::Context;
use crate::error::Error;

/// A status with conditions.
pub trait Status: Serialize + PartialEq {
    /// Returns the conditions.
    fn conditions(&self) -> &[Condition];
}

macro_rules! statuses {
    ($($status:path),+) => {
        $(impl Status for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }
        })+
    };
}

statuses!(
    crate::crd::security_engine::SecurityEngineStatus,
    crate::crd::log_processor::LogProcessorStatus,
    crate::crd::acquisition::AcquisitionStatus,
    crate::crd::bouncer::BouncerStatus
);

/// Writes the status of a resource when it differs from the one it has; a resource that is gone has none.
pub async fn write_status<K, S>(
    ctx: &Context,
    resource: &K,
    before: Option<&S>,
    after: &S,
) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
    S: Status,
{
    if before == Some(after) {
        return Ok(());
    }
    let api: Api<K> = Api::namespaced(ctx.client.clone(), &resource.namespace().unwrap_or_default());
    let patch = Patch::Merge(serde_json::json!({"status": after}));
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api.patch_status(&resource.name_any(), &parameters, &patch).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(cause) => return Err(Error::cluster("writing the status")(cause)),
    }
    let known = before.map(Status::conditions).unwrap_or_default();
    ctx.recorder
        .transitions(resource, &transitions(known, after.conditions()))
        .await;
    Ok(())
}
