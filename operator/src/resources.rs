//! `--resources FILE`: resources of ours that come with the installation, applied once this operator acts.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, ResourceExt as _};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use crate::cluster::apply::chain;
use crate::crd::{GROUP, VERSION, crds};

/// The field manager of these resources; a field that somebody else has set is theirs.
const MANAGER: &str = "crowdsec-operator-resources";
/// Pause after a failure, such as a definition that is not served yet.
const RETRY: Duration = Duration::from_secs(5);

/// One resource with what a client needs to speak of its kind.
#[derive(Clone, Debug)]
pub struct Resource {
    object: DynamicObject,
    kind: ApiResource,
    namespace: String,
}

/// Reads the documents of a file; a resource without a namespace goes to `namespace`.
pub fn read(path: &Path, namespace: &str) -> anyhow::Result<Vec<Resource>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    parse(&text, namespace).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str, namespace: &str) -> anyhow::Result<Vec<Resource>> {
    let documents: Vec<(Option<DynamicObject>, usize)> =
        golang::yaml::multi(text, golang::yaml::Dialect::Lenient)
            .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    documents
        .into_iter()
        .filter_map(|(object, line)| Some((object?, line)))
        .map(|(object, line)| {
            known(object, namespace).with_context(|| format!("the document of line {line}"))
        })
        .collect()
}

fn known(object: DynamicObject, namespace: &str) -> anyhow::Result<Resource> {
    let types = object.types.clone().unwrap_or_default();
    let definition = crds()
        .into_iter()
        .find(|crd| crd.spec.names.kind == types.kind && types.api_version == format!("{GROUP}/{VERSION}"));
    let Some(definition) = definition else {
        anyhow::bail!(
            "{} of {} is none of our kinds: only resources of {GROUP}/{VERSION} can be given here",
            types.kind,
            types.api_version
        );
    };
    anyhow::ensure!(object.metadata.name.is_some(), "metadata.name is missing");
    Ok(Resource {
        namespace: object.namespace().unwrap_or_else(|| namespace.to_owned()),
        kind: ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(GROUP, VERSION, &types.kind),
            &definition.spec.names.plural,
        ),
        object,
    })
}

/// Applies every resource, with retries until `stop`; one that somebody else has changed stays theirs.
pub async fn apply(client: &Client, resources: Vec<Resource>, stop: CancellationToken) {
    let mut left = resources;
    while !left.is_empty() && !stop.is_cancelled() {
        let mut failed = Vec::new();
        for resource in left {
            let name = resource.object.name_any();
            match write(client, &resource).await {
                Ok(()) => {
                    tracing::info!(object.kind = %resource.kind.kind, object.name = name, "a resource of the installation was applied");
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    tracing::info!(object.kind = %resource.kind.kind, object.name = name, "a resource of the installation was changed by somebody else and stays");
                }
                Err(error) => {
                    tracing::warn!(object.kind = %resource.kind.kind, object.name = name, error = %chain(&error), "a resource of the installation could not be applied and is tried again");
                    failed.push(resource);
                }
            }
        }
        left = failed;
        if !left.is_empty() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}

async fn write(client: &Client, resource: &Resource) -> Result<(), kube::Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &resource.namespace, &resource.kind);
    let parameters = PatchParams::apply(MANAGER);
    let name = resource.object.name_any();
    api.patch(&name, &parameters, &Patch::Apply(&resource.object))
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "apiVersion: crowdsec-operator.dev/v1alpha1\nkind: SecurityEngine\nmetadata: {name: main}\nspec: {}\n";

    #[test]
    fn a_resource_without_a_namespace_goes_to_the_operators() {
        let read = parse(&format!("---\n{ENGINE}"), "crowdsec").unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].namespace.as_str(), read[0].kind.plural.as_str()),
            ("crowdsec", "securityengines")
        );
    }

    #[test]
    fn a_foreign_kind_is_refused_with_its_line() {
        let error = parse(
            &format!("{ENGINE}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\n"),
            "crowdsec",
        )
        .unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("Secret of v1 is none of our kinds"), "{text}");
    }
}
