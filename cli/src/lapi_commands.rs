//! `cscli lapi`: is the Local API there, does it know us, and getting to be known.

use std::path::PathBuf;

use clap::Subcommand;
use client::lapi::{Client, Credentials, Registered, Registration, register};
use client::transport::Endpoint;
use config::resolved::Identity;

use crate::context::{Context, client_settings};
use crate::error::{Error, client_text};
use crate::machines::{credentials_yaml, generate_password, machine_id, write_private};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that the Local API answers and accepts this machine
    Status,
    /// Ask the Local API to know this machine, and write the credentials
    ///
    /// The machine then has to be validated with 'cscli machines validate' on the machine of the Local API, unless
    /// a registration token is given and accepted.
    Register(RegisterArgs),
}

#[derive(Debug, clap::Args)]
struct RegisterArgs {
    /// URL of the Local API (`http://127.0.0.1:8080`), or the path of its unix socket
    #[arg(short, long, value_name = "URL")]
    url: Option<String>,
    /// Where to write the credentials, or - for standard output
    #[arg(short, long, allow_hyphen_values = true, value_name = "FILE")]
    file: Option<String>,
    /// Name of the machine, by default made from this host's id
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Token of automatic registration
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Status) => status(ctx),
        Some(Command::Register(args)) => register_machine(ctx, args),
    }
}

fn status(ctx: &Context) -> Result<(), Error> {
    let (credentials, endpoint) = ctx
        .credentials()
        .map_err(|error| Error::new(format!("loading api client: {error}")))?;
    let file = ctx
        .config()?
        .client
        .as_ref()
        .map(|client| client.credentials_file.display().to_string());
    ctx.out
        .print(&format!("Loaded credentials from {}\n", file.unwrap_or_default()))?;
    let (login, password) = match &credentials.identity {
        Identity::Password { login, password } => {
            ctx.out.print(&format!(
                "Trying to authenticate with username \"{login}\" on {}\n",
                endpoint.url
            ))?;
            (login.clone(), password.expose().to_owned())
        }
        Identity::Certificate(tls) => {
            let certificate = tls.cert_file.display();
            ctx.out.print(&format!(
                "Trying to authenticate with certificate \"{certificate}\" on {}\n",
                endpoint.url
            ))?;
            (String::new(), String::new())
        }
    };
    let credentials = Credentials {
        login,
        password: password.into(),
        scenarios: Vec::new(),
    };
    let client = Client::new(&endpoint, credentials, client_settings())
        .map_err(|error| Error::new(client_text(&error)))?;
    ctx.wait(client.login()).map_err(|error| {
        Error::new(format!(
            "failed to authenticate to Local API (LAPI): {}",
            client_text(&error)
        ))
    })?;
    ctx.out
        .print("You can successfully interact with Local API (LAPI)\n")
}

fn register_machine(ctx: &Context, args: RegisterArgs) -> Result<(), Error> {
    let login = match args.machine {
        Some(name) => name,
        None => machine_id(),
    };
    let url = match args.url {
        Some(url) => with_scheme(url),
        None => ctx
            .credentials()
            .map(|(credentials, _)| credentials.url)
            .map_err(|_absent| Error::new("no Local API URL: give one with --url"))?,
    };
    let password = generate_password();
    let endpoint = Endpoint {
        url: url.clone(),
        ..Endpoint::default()
    };
    let registration = Registration {
        login: login.clone(),
        password: password.clone().into(),
        token: args.token.unwrap_or_default().into(),
    };
    let registered = ctx
        .wait(register(&endpoint, &registration, &client_settings()))
        .map_err(|error| {
            let status = error
                .status()
                .map(|status| format!(" http {status}"))
                .unwrap_or_default();
            Error::new(format!(
                "api client register: api register ({url}){status}: {}",
                client_text(&error)
            ))
        })?;
    match registered {
        Registered::Validated => {
            ctx.out
                .info("Successfully registered to Local API (LAPI), the machine is validated");
        }
        Registered::Pending => ctx.out.info("Successfully registered to Local API (LAPI)"),
    }
    let text = credentials_yaml(&url, &login, &password);
    let destination = match args.file.as_deref() {
        Some("-") => None,
        Some(path) => Some(PathBuf::from(path)),
        None => ctx
            .config()?
            .client
            .as_ref()
            .map(|client| client.credentials_file.clone()),
    };
    match destination {
        None => ctx.out.print(&text)?,
        Some(path) => {
            write_private(&path, &text)?;
            ctx.out
                .info(&format!("Local API credentials written to '{}'", path.display()));
        }
    }
    ctx.out
        .warn("Run 'sudo systemctl reload crowdsec' for the new configuration to be effective.");
    Ok(())
}

/// Upstream adds `http://` where it is missing and a final slash.
fn with_scheme(url: String) -> String {
    if url.starts_with('/') {
        return url;
    }
    let has_scheme = url.starts_with("http://") || url.starts_with("https://");
    let url = if has_scheme { url } else { format!("http://{url}") };
    if url.ends_with('/') {
        url
    } else {
        format!("{url}/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_get_scheme_and_slash_and_sockets_stay() {
        for (given, used) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("https://lapi.example/", "https://lapi.example/"),
            ("/run/lapi.sock", "/run/lapi.sock"),
        ] {
            assert_eq!(with_scheme(given.to_owned()), used);
        }
    }
}
