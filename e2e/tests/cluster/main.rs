//! Cases on a real Kubernetes; `make e2e` brings one up, or takes the one in `KUBECONFIG`.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends the test")]

mod admission;
mod agents;
mod bouncers;
mod continuity;
mod defects;
mod documents;
mod engines;
mod fixture;
mod install;
mod monitoring;
mod network;
mod rules;
mod samples;
mod storage;
mod surroundings;
