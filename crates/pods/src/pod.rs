//! A pod as far as its logs are concerned.

use k8s_openapi::api::core::v1::Pod as PodKind;
use kube::core::PartialObjectMeta;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// Annotation of the object that shows a static pod; the kubelet sets it.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Annotation with what the kubelet calls a static pod by, in place of the uid.
const CONFIG_HASH: &str = "kubernetes.io/config.hash";

/// Longest uid or hash; both are far shorter.
const LONGEST_UID: usize = 64;

/// A pod of this node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What its log folder is called by: the uid, for a static pod the hash of its configuration.
    pub uid: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
}

impl Pod {
    /// Takes what is needed of an object; `None` when its names could lead out of the folder of logs.
    pub fn of(object: PartialObjectMeta<PodKind>) -> Option<Self> {
        let metadata = object.metadata;
        let annotations = metadata.annotations.unwrap_or_default();
        let hash = annotations
            .contains_key(MIRROR)
            .then(|| annotations.get(CONFIG_HASH).cloned())
            .flatten();
        let pod = Self {
            namespace: metadata.namespace?,
            name: metadata.name?,
            uid: hash.or(metadata.uid)?,
            labels: metadata.labels.unwrap_or_default(),
        };
        // An annotation is text that others write; the API server guards only names and uids.
        let is_safe = is_name(&pod.namespace) && is_name(&pod.name) && is_uid(&pod.uid);
        is_safe.then_some(pod)
    }

    /// Returns the name of its folder of logs. Source: Kubernetes, `pkg/kubelet/kuberuntime/helpers.go`.
    pub fn folder(&self) -> String {
        format!("{}_{}_{}", self.namespace, self.name, self.uid)
    }
}

/// Tells whether `text` can be the name of an object: dots, dashes, lower-case letters and digits.
pub(crate) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !text.is_empty() && text.len() <= 253 && !text.starts_with('.') && text.bytes().all(is_allowed)
}

fn is_uid(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_UID
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, annotations: &[(&str, &str)]) -> Option<String> {
        let object = serde_json::json!({
            "metadata": {
                "namespace": "shop", "name": "web-0", "uid": uid,
                "annotations": annotations.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            }
        });
        Pod::of(serde_json::from_value(object).unwrap()).map(|pod| pod.folder())
    }

    #[test]
    fn the_folder_is_named_by_uid_or_by_a_static_pods_hash() {
        let check = |uid: &str, annotations: &[(&str, &str)], expected: Option<&str>| {
            assert_eq!(
                pod(uid, annotations).as_deref(),
                expected,
                "{uid} {annotations:?}"
            );
        };
        check("1-2", &[], Some("shop_web-0_1-2"));
        check(
            "1-2",
            &[(MIRROR, "0ab"), (CONFIG_HASH, "0ab")],
            Some("shop_web-0_0ab"),
        );
        check("1-2", &[(CONFIG_HASH, "0ab")], Some("shop_web-0_1-2"));
    }

    #[test]
    fn an_annotation_cannot_lead_to_the_logs_of_others() {
        for hash in ["x/../../bank_db-0_1", "..", "", "a_b", "a/b"] {
            assert_eq!(pod("1-2", &[(MIRROR, hash), (CONFIG_HASH, hash)]), None, "{hash}");
        }
    }
}
