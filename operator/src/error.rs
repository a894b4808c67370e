//! Why a resource could not be reconciled; the reason is a label of the error counter.

use crate::cluster::apply;
use crate::engine;
use crate::secrets;

/// A failure that is tried again. What is wrong with a spec is no error but a condition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object was refused.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// An engine's admin interface is not known.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A Secret cannot be read.
    #[error(transparent)]
    Secret(#[from] secrets::Error),
    /// The API server did not do what was asked.
    #[error("{what}")]
    Cluster {
        /// What was asked.
        what: String,
        /// What it said.
        #[source]
        cause: Box<kube::Error>,
    },
    /// The Local API did not do what was asked.
    #[error("{what}")]
    LocalApi {
        /// What was asked.
        what: String,
        /// What it said.
        #[source]
        cause: Box<client::Error>,
    },
    /// Something could not be made.
    #[error("{what}")]
    Build {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Names a failure of the API server.
    pub fn cluster(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |cause| Self::Cluster {
            what,
            cause: Box::new(cause),
        }
    }

    /// Names a failure of the Local API.
    pub fn local_api(what: impl Into<String>) -> impl FnOnce(client::Error) -> Self {
        let what = what.into();
        move |cause| Self::LocalApi {
            what,
            cause: Box::new(cause),
        }
    }

    /// Names something that could not be made.
    pub fn build<E: std::error::Error + Send + Sync + 'static>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |cause| Self::Build {
            what,
            cause: Box::new(cause),
        }
    }

    /// Returns the label of the error counter.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Engine(_) => "engine",
            Self::Secret(_) | Self::Cluster { .. } => "cluster",
            Self::LocalApi { .. } => "local-api",
            Self::Build { .. } => "build",
        }
    }
}
