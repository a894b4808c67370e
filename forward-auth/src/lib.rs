//! A bouncer for ingress controllers: answers 200 or a refusal to a sub-request from a decision set in memory.
//!
//! `pull` keeps the set by the Local API's stream, `answer` asks it; which address a question is about is the pure rule
//! in `address`. Traefik's forwardAuth, nginx' `auth_request` and Gateway API's `ExternalAuth` ask it alike.

pub mod address;
pub mod answer;
pub mod args;
pub mod decisions;
pub mod metrics;
pub mod pull;
pub mod run;
pub mod state;
pub mod usage;

pub use run::main;
