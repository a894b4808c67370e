//! The operator: resources of the `crowdsec-operator.dev` group become a running, policed, observed installation.

pub mod cluster;
pub mod conditions;
#[expect(
    unreachable_pub,
    reason = "the derive of a schema repeats each struct inside a function"
)]
pub mod crd;
pub mod labels;
pub mod names;
pub mod network;
pub mod overlay;
pub mod problem;
pub mod rules;
