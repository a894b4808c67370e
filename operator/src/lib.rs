//! The operator: resources of the `crowdsec-operator.dev` group become a running, policed, observed installation.

pub mod acquisition;
pub mod answers;
pub mod args;
pub mod bouncer;
pub mod cluster;
pub mod conditions;
pub mod context;
pub mod control;
#[expect(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derive of a schema repeats each struct inside a function; columns share types"
)]
pub mod crd;
pub mod engine;
pub mod error;
pub mod finalizer;
pub mod health;
pub mod labels;
pub mod lease;
pub mod log_processor;
pub mod metrics;
pub mod monitor;
pub mod names;
pub mod network;
pub mod overlay;
pub mod pods;
pub mod problem;
pub mod resources;
pub mod rules;
pub mod run;
pub mod secrets;
pub mod security_engine;
pub mod selectors;
pub mod status;
pub mod uninstall;

pub use run::main;
