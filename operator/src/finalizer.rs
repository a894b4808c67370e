//! The mark on a resource that something outside its namespace, or outside the cluster, must be removed before it goes.

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Patch, PatchParams};
use kube::core::ResourceExt as _;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::Error;

/// The mark.
const FINALIZER: &str = "crowdsec-operator.dev/cleanup";

/// Says whether the mark is there.
pub fn is_on<K: Resource>(resource: &K) -> bool {
    resource
        .meta()
        .finalizers
        .iter()
        .flatten()
        .any(|one| one == FINALIZER)
}

/// Sets the mark, unless it is there.
pub async fn add<K>(ctx: &Context, resource: &K) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    if is_on(resource) {
        return Ok(());
    }
    let mut all = resource.finalizers().to_vec();
    all.push(FINALIZER.to_owned());
    write(ctx, resource, &all).await
}

/// Takes the mark away: the resource may go.
pub async fn remove<K>(ctx: &Context, resource: &K) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    if !is_on(resource) {
        return Ok(());
    }
    let others: Vec<String> = resource
        .finalizers()
        .iter()
        .filter(|one| *one != FINALIZER)
        .cloned()
        .collect();
    write(ctx, resource, &others).await
}

/// The version is sent too, so that the mark of somebody else, set meanwhile, is not taken away.
async fn write<K>(ctx: &Context, resource: &K, finalizers: &[String]) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(ctx.client.clone(), &resource.namespace().unwrap_or_default());
    let patch = serde_json::json!({"metadata": {
        "resourceVersion": resource.resource_version(),
        "finalizers": finalizers,
    }});
    let written = api
        .patch_metadata(
            &resource.name_any(),
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await;
    match written {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(cause) => Err(Error::cluster("writing the finalizer")(cause)),
    }
}
