//! What is known of targets and pods, and what follows from it: which pods' logs are to be read for which target.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pod::Pod;
use crate::targets::Target;

/// Most sources of one node; beyond that pods are left out, and it is said.
pub const SOURCES: usize = 4096;

/// Targets and pods as last seen; kept over restarts, because the API server may be away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The targets in force.
    pub targets: Vec<Target>,
    /// Pods of this node in the namespaces of the targets.
    pub pods: Vec<Pod>,
}

/// What is known, and what is wrong with it at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// See [`Known`].
    pub known: Known,
    /// Why the targets as written are not in force; the ones before them are.
    pub problem: Option<String>,
    /// Namespaces whose pods cannot be watched at the moment, and why.
    pub blind: BTreeMap<String, String>,
}

/// A pod that a target selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The target.
    pub target: &'a Target,
    /// The pod, of the target's namespace.
    pub pod: &'a Pod,
}

impl Known {
    /// Returns which pods are read for which target; a pod may serve several.
    pub fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        self.targets
            .iter()
            .flat_map(|target| self.pods.iter().map(move |pod| Source { target, pod }))
            // The namespace decides before any selector: tenants cannot read one another.
            .filter(|Source { target, pod }| {
                target.namespace == pod.namespace && target.selector.selects(&pod.labels)
            })
            .take(SOURCES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;

    fn pod(namespace: &str, name: &str, labels: &[(&str, &str)]) -> Pod {
        Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: "1".to_owned(),
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<Labels>(),
        }
    }

    #[test]
    fn a_target_selects_pods_of_its_own_namespace_only() {
        let text = "targets:
- {name: a, namespace: shop, selector: {matchLabels: {app: web}}, labels: {type: nginx}}
- {name: b, namespace: bank, selector: {}, labels: {type: nginx}}
";
        let known = Known {
            targets: crate::targets::parse(text).unwrap(),
            pods: vec![
                pod("shop", "web", &[("app", "web")]),
                pod("shop", "db", &[("app", "db")]),
                pod("bank", "web", &[("app", "web")]),
                pod("other", "web", &[("app", "web")]),
            ],
        };
        let found: Vec<String> = known
            .sources()
            .map(|source| format!("{} {}", source.target.id(), source.pod.folder()))
            .collect();
        assert_eq!(found, ["shop/a shop_web_1", "bank/b bank_web_1"]);
    }
}
