//! Reads configuration files; the only part of this crate that touches the file system.

use std::collections::BTreeMap;
use std::path::Path;

use crate::problem::Problem;
use crate::resolved::{Agent, Client, Config, Console, Credentials, Profile, Simulation, Source};

/// The environment, as `$NAME` and `${NAME}` in files refer to it.
pub type Env = BTreeMap<String, String>;

/// Reads `config.yaml` with its `.local`; the other files are read by the functions below, when they are needed.
pub fn load(path: &Path, env: &Env) -> Result<Config, Vec<Problem>> {
    let _ = env;
    Err(vec![Problem::in_file(path, "not implemented", "")])
}

/// Reads `local_api_credentials.yaml` with its `.local`.
pub fn credentials(client: &Client, env: &Env) -> Result<Credentials, Vec<Problem>> {
    let _ = env;
    Err(vec![Problem::in_file(
        &client.credentials_file,
        "not implemented",
        "",
    )])
}

/// Reads the acquisition file and folder; no source at all is a problem.
pub fn acquisition(agent: &Agent, env: &Env) -> Result<Vec<Source>, Vec<Problem>> {
    let _ = (agent, env);
    Err(vec![Problem::in_file(Path::new(""), "not implemented", "")])
}

/// Reads `profiles.yaml`, after the documents of its `.local`; no profile at all is a problem.
pub fn profiles(path: &Path) -> Result<Vec<Profile>, Vec<Problem>> {
    Err(vec![Problem::in_file(path, "not implemented", "")])
}

/// Reads `simulation.yaml` with its `.local`.
pub fn simulation(path: &Path) -> Result<Simulation, Vec<Problem>> {
    Err(vec![Problem::in_file(path, "not implemented", "")])
}

/// Reads `console.yaml`; a missing file is the default.
pub fn console(path: &Path) -> Result<Console, Vec<Problem>> {
    Err(vec![Problem::in_file(path, "not implemented", "")])
}
