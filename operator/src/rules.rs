//! The rights the operator needs, in one table: the chart's roles, `manifests/` and `docs/` are made from it.
//!
//! No wildcard; Secrets are read and written by name, never listed. Whatever the operator grants to agents it holds
//! itself, because the API server lets nobody grant more than they have.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// In every namespace that is looked at.
    Watched,
    /// On cluster-wide objects; without it the operator works on some namespaces only.
    Cluster,
    /// In the operator's own namespace.
    Own,
    /// In the namespace `default`, where the API server's addresses are.
    Default,
}

/// One right with its reason.
#[derive(Clone, Copy, Debug)]
pub struct Right {
    /// Where it is needed.
    pub place: Where,
    /// API group, empty for the core.
    pub group: &'static str,
    /// Plurals, with subresources.
    pub resources: &'static [&'static str],
    /// Verbs.
    pub verbs: &'static [&'static str],
    /// What for.
    pub why: &'static str,
}

const READ: &[&str] = &["get", "list", "watch"];
const MANAGE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Everything the operator may do.
pub const OPERATOR: &[Right] = &[
    Right {
        place: Where::Watched,
        group: "crowdsec-operator.dev",
        resources: &["securityengines", "logprocessors", "acquisitions", "bouncers"],
        verbs: &["get", "list", "watch", "patch"],
        why: "read what is wanted; set and remove its own finalizer",
    },
    Right {
        place: Where::Watched,
        group: "crowdsec-operator.dev",
        resources: &[
            "securityengines/status",
            "logprocessors/status",
            "acquisitions/status",
            "bouncers/status",
        ],
        verbs: &["get", "patch"],
        why: "tell what was seen",
    },
    Right {
        place: Where::Watched,
        group: "crowdsec-operator.dev",
        resources: &[
            "securityengines/finalizers",
            "logprocessors/finalizers",
            "bouncers/finalizers",
        ],
        verbs: &["update"],
        why: "own objects with blockOwnerDeletion",
    },
    Right {
        place: Where::Watched,
        group: "apps",
        resources: &["deployments", "daemonsets"],
        verbs: MANAGE,
        why: "Local API, agents, forward-auth",
    },
    Right {
        place: Where::Watched,
        group: "",
        resources: &["services", "serviceaccounts", "configmaps"],
        verbs: MANAGE,
        why: "what those need",
    },
    Right {
        place: Where::Watched,
        group: "",
        resources: &["persistentvolumeclaims"],
        verbs: &["get", "list", "watch", "create", "patch"],
        why: "the database's volume; it is never deleted",
    },
    Right {
        place: Where::Watched,
        group: "",
        resources: &["secrets"],
        verbs: &["get", "create", "patch", "delete"],
        why: "credentials, by name; not listed",
    },
    Right {
        place: Where::Watched,
        group: "",
        resources: &["pods"],
        verbs: READ,
        why: "tell why a pod does not start; agents are granted the same where an Acquisition is accepted",
    },
    Right {
        place: Where::Watched,
        group: "networking.k8s.io",
        resources: &["networkpolicies"],
        verbs: MANAGE,
        why: "default deny and the connections of docs/network.md",
    },
    Right {
        place: Where::Watched,
        group: "rbac.authorization.k8s.io",
        resources: &["roles", "rolebindings"],
        verbs: MANAGE,
        why: "grant agents what AGENT lists",
    },
    Right {
        place: Where::Watched,
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
        why: "an event for each transition",
    },
    Right {
        place: Where::Watched,
        group: "monitoring.coreos.com",
        resources: &["servicemonitors", "podmonitors"],
        verbs: MANAGE,
        why: "tell Prometheus where the metrics are, when its operator is installed",
    },
    Right {
        place: Where::Watched,
        group: "traefik.io",
        resources: &["middlewares"],
        verbs: MANAGE,
        why: "the Middleware of a Bouncer, when Traefik's definitions are installed",
    },
    Right {
        place: Where::Cluster,
        group: "",
        resources: &["nodes", "namespaces"],
        verbs: READ,
        why: "remove the machines of nodes that are gone; match namespaces by label; tell clients from nodes",
    },
    Right {
        place: Where::Default,
        group: "discovery.k8s.io",
        resources: &["endpointslices"],
        verbs: READ,
        why: "the API server's addresses for the agents' policy",
    },
    Right {
        place: Where::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "patch", "update"],
        why: "one operator acts at a time",
    },
];

/// What the operator may do besides when it is given resources to create at its start.
pub const DEFAULTS: Right = Right {
    place: Where::Watched,
    group: "crowdsec-operator.dev",
    resources: &["securityengines", "logprocessors", "acquisitions", "bouncers"],
    verbs: &["get", "create", "patch"],
    why: "apply the resources that the chart's values name",
};

/// What the job may do that runs before the operator is taken away.
pub const UNINSTALL: Right = Right {
    place: Where::Watched,
    group: "crowdsec-operator.dev",
    resources: &["securityengines", "logprocessors", "acquisitions", "bouncers"],
    verbs: &["get", "list", "delete", "patch"],
    why: "delete all resources, wait until the operator has cleaned up, take away finalizers that nobody answers",
};

/// What an agent is granted in each namespace with an accepted Acquisition.
pub const AGENT_PODS: Right = Right {
    place: Where::Watched,
    group: "",
    resources: &["pods"],
    verbs: READ,
    why: "know which log belongs to which pod",
};

/// What an agent is granted in its own namespace, on the one ConfigMap with its targets.
pub const AGENT_TARGETS: Right = Right {
    place: Where::Watched,
    group: "",
    resources: &["configmaps"],
    verbs: READ,
    why: "follow its targets without a restart",
};

impl Right {
    /// Returns the rule for a Role or ClusterRole; `names` narrows it to objects of these names.
    pub fn rule(&self, names: &[String]) -> PolicyRule {
        let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        PolicyRule {
            api_groups: Some(vec![self.group.to_owned()]),
            resources: Some(own(self.resources)),
            verbs: own(self.verbs),
            resource_names: (!names.is_empty()).then(|| names.to_vec()),
            non_resource_urls: None,
        }
    }
}

/// Returns the rules of all rights at one place.
pub fn rules(place: Where) -> Vec<PolicyRule> {
    OPERATOR
        .iter()
        .filter(|right| right.place == place)
        .map(|right| right.rule(&[]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kinds::WATCHED;

    fn holds(group: &str, resource: &str, verb: &str) -> bool {
        OPERATOR.iter().any(|right| {
            right.group == group && right.resources.contains(&resource) && right.verbs.contains(&verb)
        })
    }

    #[test]
    fn there_is_no_wildcard_and_secrets_are_never_listed() {
        for right in OPERATOR {
            assert!(!right.resources.contains(&"*") && !right.verbs.contains(&"*") && right.group != "*");
        }
        assert!(!holds("", "secrets", "list") && !holds("", "secrets", "watch"));
    }

    #[test]
    fn whatever_is_watched_and_applied_is_permitted() {
        for kind in WATCHED {
            for verb in ["list", "watch", "create", "patch"] {
                assert!(holds(kind.group, kind.plural, verb), "{verb} {}", kind.plural);
            }
        }
    }

    #[test]
    fn the_operator_holds_what_it_grants() {
        for right in [AGENT_PODS, AGENT_TARGETS] {
            for verb in right.verbs {
                assert!(holds(right.group, right.resources[0], verb));
            }
        }
    }
}
