//! `crowdsec-operator uninstall`: every resource of ours goes, in an order in which finalizers can do their work.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::ResourceExt as _;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::cluster::scope::Scope;
use crate::crd::{Acquisition, Bouncer, LogProcessor, SecurityEngine};

/// How long the operator may take to remove what lies outside the cluster's own knowledge.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Deletes all resources; those whose finalizer nobody removes in time are let go.
pub async fn run(client: &Client, scope: &Scope) -> anyhow::Result<()> {
    for api in scope.apis::<Bouncer>(client) {
        remove(client, &api).await?;
    }
    for api in scope.apis::<Acquisition>(client) {
        remove(client, &api).await?;
    }
    for api in scope.apis::<LogProcessor>(client) {
        remove(client, &api).await?;
    }
    for api in scope.apis::<SecurityEngine>(client) {
        remove(client, &api).await?;
    }
    Ok(())
}

async fn remove<K>(client: &Client, all: &Api<K>) -> anyhow::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let list = match all.list_metadata(&ListParams::default()).await {
            Ok(list) => list.items,
            // The definitions are gone already, and with them everything.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("listing {}", K::plural(&()))),
        };
        if list.is_empty() {
            return Ok(());
        }
        let late = Instant::now() > deadline;
        for object in list {
            let name = object.name_any();
            let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
            if late {
                tracing::warn!(object.kind = %K::kind(&()), object.name = name, "nobody removes the finalizer; it is taken away");
                let free = serde_json::json!({"metadata": {"finalizers": null}});
                gone_is_fine(
                    api.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(free))
                        .await,
                )?;
            } else if object.metadata.deletion_timestamp.is_none() {
                gone_is_fine(api.delete(&name, &DeleteParams::foreground()).await)?;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn gone_is_fine<T>(answer: Result<T, kube::Error>) -> anyhow::Result<()> {
    match answer {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error).context("deleting a resource"),
    }
}
