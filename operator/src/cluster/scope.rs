//! Which namespaces the operator looks at.

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::NamespaceResourceScope;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Resource};

/// All namespaces, or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole cluster; needs ClusterRoles.
    Cluster,
    /// These namespaces; Roles in them suffice.
    Namespaces(Vec<String>),
}

impl Scope {
    /// Says whether a namespace is looked at.
    pub fn covers(&self, namespace: &str) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespaces(all) => all.iter().any(|one| one == namespace),
        }
    }

    /// Says whether cluster-wide objects can be read.
    pub fn is_cluster(&self) -> bool {
        *self == Self::Cluster
    }

    /// Returns the endpoints that together show every object of a kind in scope.
    pub fn apis<K>(&self, client: &Client) -> Vec<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Cluster => vec![Api::all(client.clone())],
            Self::Namespaces(all) => all
                .iter()
                .map(|namespace| Api::namespaced(client.clone(), namespace))
                .collect(),
        }
    }

    /// Returns the endpoint of a cluster-wide kind, when it can be read.
    pub fn cluster_api<K>(&self, client: &Client) -> Option<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope>,
    {
        self.is_cluster().then(|| Api::all(client.clone()))
    }

    /// The same for a kind that is known at run time only.
    pub fn dynamic_apis(&self, client: &Client, resource: &ApiResource) -> Vec<Api<DynamicObject>> {
        match self {
            Self::Cluster => vec![Api::all_with(client.clone(), resource)],
            Self::Namespaces(all) => all
                .iter()
                .map(|namespace| Api::namespaced_with(client.clone(), namespace, resource))
                .collect(),
        }
    }
}
