//! Kinds of the objects that are made, in the order they are applied.

use kube::core::{ApiResource, GroupVersionKind};

/// A kind of object that is made for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group, empty for the core.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as in paths and roles.
    pub plural: &'static str,
    /// What happens to an object that is no longer wanted.
    pub unwanted: Unwanted,
    /// Whether every cluster serves the kind.
    pub served: Served,
}

/// What happens to an object that is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unwanted {
    /// It is deleted.
    Pruned,
    /// It is kept: users would miss it.
    Kept,
}

/// Whether a cluster serves a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Served {
    /// Every cluster does.
    Always,
    /// Only when somebody installed its definition.
    WhenInstalled,
}

const fn builtin(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind {
        group,
        version,
        kind,
        plural,
        unwanted: Unwanted::Pruned,
        served: Served::Always,
    }
}

const fn installed(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind {
        served: Served::WhenInstalled,
        ..builtin(group, version, kind, plural)
    }
}

/// The Prometheus Operator's monitor of Services.
pub const SERVICE_MONITOR: Kind =
    installed("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors");
/// The Prometheus Operator's monitor of pods.
pub const POD_MONITOR: Kind = installed("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors");
/// Traefik's middleware.
pub const MIDDLEWARE: Kind = installed("traefik.io", "v1alpha1", "Middleware", "middlewares");

/// Every kind that is watched by our label; Secrets are missing, because nothing here may list them.
pub const WATCHED: &[Kind] = &[
    builtin("", "v1", "ServiceAccount", "serviceaccounts"),
    builtin("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    builtin("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    builtin("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Kind {
        unwanted: Unwanted::Kept,
        ..builtin("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
    },
    builtin("", "v1", "ConfigMap", "configmaps"),
    builtin("", "v1", "Service", "services"),
    builtin("apps", "v1", "Deployment", "deployments"),
    builtin("apps", "v1", "DaemonSet", "daemonsets"),
    SERVICE_MONITOR,
    POD_MONITOR,
    MIDDLEWARE,
];

/// Secrets: read and written by name.
pub const SECRET: Kind = Kind {
    unwanted: Unwanted::Kept,
    ..builtin("", "v1", "Secret", "secrets")
};

impl Kind {
    /// Returns what a client needs to know to speak of the kind.
    pub fn resource(&self) -> ApiResource {
        ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(self.group, self.version, self.kind),
            self.plural,
        )
    }

    /// Returns `group/version` as it stands in `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Returns the kind that an object says it is of, when it is one that is made here.
    pub fn of(api_version: &str, kind: &str) -> Option<&'static Self> {
        WATCHED
            .iter()
            .chain(std::iter::once(&SECRET))
            .find(|known| known.kind == kind && known.api_version() == api_version)
    }
}
