//! What the Local API needs beside `config.yaml`, and what its failures are called.

use config::resolved::{Profile, Server};
use config::{Config, Env, Secret, load};
use lapi::ingest::profiles::Profiles;
use lapi::settings::{ADMIN_TOKEN_VARIABLE, SECRET_VARIABLE};
use lapi::store::{Options, Store};

use crate::args::Args;
use crate::parts::{Fatal, chain};

/// Reads profiles and the files beside them; none when the Local API does not run.
pub(super) fn read(config: &Config, args: &Args, env: &Env) -> Result<Option<lapi::Settings>, Fatal> {
    let Some(server) = &config.server else {
        return Ok(None);
    };
    let database = match config.database {
        Some(_) => None,
        None => Some(Fatal::from("no database configuration provided".to_owned())),
    };
    let profiles =
        load::profiles(&server.profiles_file).map_err(Fatal::problems("while loading profiles for LAPI: "));
    let console =
        load::console(&server.console_file).map_err(Fatal::problems("while loading console options: "));
    let central = central_api(server, args);
    let notified = profiles
        .as_ref()
        .map_or(Ok(()), |profiles| notifications(config, profiles, env));
    match (database, profiles, console, central, notified) {
        (None, Ok(profiles), Ok(_), Ok(()), Ok(())) => {
            let secret = env.get(SECRET_VARIABLE).map(Secret::new);
            let admin_token = env.get(ADMIN_TOKEN_VARIABLE).map(Secret::new);
            let settings = lapi::Settings::new(config, profiles, secret, admin_token);
            settings
                .map(Some)
                .map_err(|error| format!("{}: {}", config.file.display(), chain(&error)).into())
        }
        (database, profiles, console, central, notified) => Err(Fatal::all([
            database,
            profiles.err(),
            console.err(),
            central.err(),
            notified.err(),
        ])),
    }
}

fn central_api(server: &Server, args: &Args) -> Result<(), Fatal> {
    match &server.online_client {
        Some(_) if args.no_central_api => {
            tracing::warn!("Communication with CrowdSec Central API disabled from args");
            Ok(())
        }
        Some(online) => {
            load::online_credentials(&online.credentials_file)
                .map_err(Fatal::problems("loading online client credentials: "))?;
            tracing::warn!("the Central API is not implemented yet; nothing is sent to it or pulled from it");
            Ok(())
        }
        None => {
            tracing::warn!("Communication with CrowdSec Central API disabled from configuration file");
            Ok(())
        }
    }
}

/// Refuses a notification that no file describes, as upstream does; the others cannot be sent yet and are named.
fn notifications(config: &Config, profiles: &[Profile], env: &Env) -> Result<(), Fatal> {
    if profiles.iter().all(|profile| profile.notifications.is_empty()) {
        return Ok(());
    }
    let doing = "api server init: plugin broker: loading config: ";
    let folder = &config.paths.notification_dir;
    let known = load::notifications(folder, env).map_err(Fatal::problems(doing))?;
    let mut unknown = Vec::new();
    for profile in profiles {
        for name in &profile.notifications {
            if known.iter().any(|notification| notification.name == *name) {
                tracing::warn!(
                    "notifications are not implemented yet; profile {} does not send {name}",
                    profile.name
                );
            } else {
                let place = format!("{}:{}: notifications", profile.file.display(), profile.line);
                let cure = format!("describe it in {}", folder.display());
                unknown.push(format!(
                    "{doing}{place}: config file for plugin {name} not found; {cure}"
                ));
            }
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Fatal { lines: unknown })
    }
}

/// Opens the database and compiles the profiles, and lets go of both.
pub(super) async fn check(settings: &lapi::Settings) -> Result<(), Fatal> {
    if let Err(problems) = Profiles::compile(settings.profiles.clone()) {
        return Err(fatal(&lapi::Error::Profiles { problems }));
    }
    let options = Options {
        wal: settings.wal,
        ..Options::new(&settings.database)
    };
    let store = Store::open(&options)
        .await
        .map_err(|error| fatal(&lapi::Error::Store(error)))?;
    store.close().await;
    Ok(())
}

/// Says what upstream was doing when the same failed.
pub(super) fn fatal(error: &lapi::Error) -> Fatal {
    match error {
        lapi::Error::Profiles { problems } => Fatal {
            lines: problems
                .iter()
                .map(|problem| format!("api server init: unable to run local API: {problem}"))
                .collect(),
        },
        lapi::Error::Server(_) | lapi::Error::Store(_) => chain(error).into(),
        lapi::Error::Settings(_) | lapi::Error::Metrics(_) => {
            format!("api server init: {}", chain(error)).into()
        }
    }
}
