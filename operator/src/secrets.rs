//! Reading a Secret of the cluster, and the texts in it.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::cluster::store::Key;

/// A Secret that cannot be read; one that is missing is no error.
#[derive(Debug, thiserror::Error)]
#[error("reading Secret {key}")]
pub struct Error {
    key: Key,
    #[source]
    cause: Box<kube::Error>,
}

/// Reads a Secret; none when there is none.
pub async fn read(client: &Client, key: &Key) -> Result<Option<Secret>, Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &key.namespace);
    api.get_opt(&key.name).await.map_err(|cause| Error {
        key: key.clone(),
        cause: Box::new(cause),
    })
}

/// Returns a text in a Secret.
pub fn text(secret: &Secret, field: &str) -> Option<String> {
    let value = secret.data.as_ref()?.get(field)?;
    String::from_utf8(value.0.clone()).ok()
}
