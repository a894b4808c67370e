//! Bouncers that a container's environment names: variables and mounted secrets, as upstream's image takes them.
//!
//! Upstream: `build/docker/docker_start.sh`; manifests for Traefik, Envoy and ingress-nginx rely on it.

use std::io::Read as _;
use std::path::Path;

use config::{Env, Secret};
use lapi::Store;
use lapi::store::StoreError;

use crate::parts::chain;

/// Begins the variables, in letters of either case; a bouncer's name follows.
const VARIABLE: &str = "BOUNCER_KEY_";
/// Where Docker mounts the secrets of a service.
pub(super) const SECRETS: &str = "/run/secrets";
/// Bytes that a file with a key may have.
const KEY_MAX: u64 = 1024;

/// A bouncer and the key it will show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    name: String,
    key: Secret,
}

/// Returns the bouncers of `env`, then those of the files in `secrets`; a file that cannot be used is warned of.
pub(super) fn given(env: &Env, secrets: &Path) -> Vec<Given> {
    let mut all: Vec<Given> = env
        .iter()
        .filter_map(|(variable, key)| {
            let (start, name) = variable.split_at_checked(VARIABLE.len())?;
            start
                .eq_ignore_ascii_case(VARIABLE)
                .then(|| Given::new(name, key))?
        })
        .collect();
    // Without the folder this is no container with secrets.
    let mut files: Vec<_> = secrets.read_dir().into_iter().flatten().flatten().collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files {
        let name = file.file_name();
        let Some(name) = name.to_str().filter(|name| is_key_file(name)) else {
            continue;
        };
        match read(&file.path()) {
            // Upstream cuts one word here and two from a variable: `bouncer_key_edge` names the bouncer `key_edge`.
            Ok(key) => all.extend(name.split_once('_').and_then(|(_, name)| Given::new(name, &key))),
            Err(error) => tracing::warn!("{}: no bouncer key: {error}", file.path().display()),
        }
    }
    all
}

/// Adds the bouncers whose names are free. One that exists keeps its key; a failure is logged, as upstream does.
pub(super) async fn register(store: &Store, all: Vec<Given>) {
    for Given { name, key } in all {
        match add(store, &name, &key).await {
            Ok(true) => tracing::info!("Registered bouncer for {name}"),
            Ok(false) => {}
            Err(error) => tracing::error!("Failed to register bouncer for {name}: {}", chain(&error)),
        }
    }
}

async fn add(store: &Store, name: &str, key: &Secret) -> Result<bool, StoreError> {
    if store.bouncer(name).await?.is_some() {
        return Ok(false);
    }
    store.add_bouncer(name, key.expose()).await?;
    Ok(true)
}

impl Given {
    /// Returns none where name or key is empty; line ends after the key do not count.
    fn new(name: &str, key: &str) -> Option<Self> {
        let key = key.trim_end_matches('\n');
        (!name.is_empty() && !key.is_empty()).then(|| Self {
            name: name.to_owned(),
            key: Secret::new(key),
        })
    }
}

fn is_key_file(name: &str) -> bool {
    name.starts_with("bouncer_key") || name.starts_with("BOUNCER_KEY")
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut key = String::new();
    let file = std::fs::File::open(path)?;
    file.take(KEY_MAX + 1).read_to_string(&mut key)?;
    if key.len() as u64 > KEY_MAX {
        let problem = format!("more than {KEY_MAX} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, problem));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn check(all: &[Given], expected: &[(&str, &str)]) {
        let all: Vec<(&str, &str)> = all
            .iter()
            .map(|given| (given.name.as_str(), given.key.expose()))
            .collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn variables_and_files_name_bouncers() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("bouncer_key_edge", "k3\n"),
            ("BOUNCER_KEY_x", "k4"),
            ("bouncer_key_empty", "\n"),
            ("bouncer_key_large", &*"k".repeat(1025)),
            ("db_password", "p"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let env = env(&[
            ("BOUNCER_KEY_traefik_1", "k1"),
            ("bouncer_key_nginx", "k2"),
            ("BOUNCER_KEY_", "nameless"),
            ("BOUNCER_KEY_keyless", ""),
            ("OTHER", "x"),
        ]);
        let expected = [
            ("traefik_1", "k1"),
            ("nginx", "k2"),
            ("KEY_x", "k4"),
            ("key_edge", "k3"),
        ];
        check(&given(&env, folder.path()), &expected);
        check(&given(&Env::new(), &folder.path().join("nowhere")), &[]);
    }

    #[tokio::test]
    async fn a_bouncer_is_registered_once_and_keeps_its_key() {
        use lapi::store::{Options, bouncers::hash_key};

        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(folder.path().join("crowdsec.db")))
            .await
            .unwrap();
        let nowhere = folder.path().join("nowhere");
        for key in ["first", "second"] {
            register(&store, given(&env(&[("BOUNCER_KEY_edge", key)]), &nowhere)).await;
        }
        let rows = store.bouncers().await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].name, "edge");
        store.follow().await.unwrap();
        let with_key = |key| store.live().bouncers(|all| all.of_key(&hash_key(key)).len());
        assert_eq!((with_key("first"), with_key("second")), (1, 0));
        store.close().await;
    }
}
