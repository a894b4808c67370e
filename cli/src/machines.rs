//! `cscli machines`: who may push alerts; rows of the database and credentials files.

mod show;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use golang::duration::Duration;
use jiff::Timestamp;
use lapi::store::machines::{MachineRow, NewMachine, hash_password};

use crate::context::Context;
use crate::error::{Error, chain, file};

#[derive(Debug, clap::Args)]
#[command(
    long_about = "Registers, lists and removes machines, the log processors that push alerts.\n\
    These commands open the database, so they run on the machine of the Local API."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a machine and write its credentials
    #[command(
        after_help = "Examples:\n  cscli machines add --auto\n  cscli machines add MyTestMachine --auto\n  \
        cscli machines add MyTestMachine --password MyPassword\n  \
        cscli machines add -f- --auto > /tmp/mycreds.yaml"
    )]
    Add(AddArgs),
    /// Remove machines; their alerts stay
    #[command(
        alias = "remove",
        after_help = "Example:\n  cscli machines delete \"machine1\" \"machine2\""
    )]
    Delete {
        /// Names of machines
        #[arg(required = true, num_args = 1.., value_name = "NAME")]
        names: Vec<String>,
        /// Say nothing about those that do not exist
        #[arg(long)]
        ignore_missing: bool,
    },
    /// Show one machine
    Inspect {
        /// Name of the machine
        name: String,
        /// Show the hub items it runs
        #[arg(short = 'H', long)]
        hub: bool,
    },
    /// List machines
    List,
    /// Remove machines that have not been heard of for a while, or were never validated
    #[command(
        after_help = "Examples:\n  cscli machines prune\n  cscli machines prune --duration 1h\n  \
        cscli machines prune --not-validated-only --force"
    )]
    Prune {
        /// Time since the last heartbeat
        #[arg(short, long, default_value = "10m", value_parser = crate::values::duration, value_name = "DURATION")]
        duration: Duration,
        /// Only those that were never validated
        #[arg(long)]
        not_validated_only: bool,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    /// Let a registered machine in
    #[command(after_help = "Example:\n  cscli machines validate \"machine_name\"")]
    Validate {
        /// Name of the machine
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Name of the machine, with --auto by default made from this host's id
    name: Option<String>,
    /// Password
    #[arg(short, long, allow_hyphen_values = true, conflicts_with = "auto")]
    password: Option<String>,
    /// Where to write the credentials (default: the configured file), or - for standard output
    #[arg(short, long, allow_hyphen_values = true, value_name = "FILE")]
    file: Option<String>,
    /// URL of the Local API that goes into the credentials
    #[arg(short, long, value_name = "URL")]
    url: Option<String>,
    /// Ask for the password
    #[arg(short, long)]
    interactive: bool,
    /// Make a password, and a name when none is given
    #[arg(short, long)]
    auto: bool,
    /// Replace an existing machine and credentials file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Add(args)) => add(ctx, args),
        Some(Command::Delete {
            names,
            ignore_missing,
        }) => delete(ctx, &names, ignore_missing),
        Some(Command::Inspect { name, hub }) => show::inspect(ctx, &name, hub),
        Some(Command::List) => show::list(&ctx.out, &all(ctx)?, service::clock::now()),
        Some(Command::Prune {
            duration,
            not_validated_only,
            force,
        }) => prune(ctx, (!not_validated_only).then_some(duration), force),
        Some(Command::Validate { name }) => validate(ctx, &name),
    }
}

fn all(ctx: &Context) -> Result<Vec<MachineRow>, Error> {
    let store = ctx.store()?;
    ctx.wait(store.machines())
        .map_err(|error| Error::new(format!("unable to list machines: {}", chain(&error))))
}

fn add(ctx: &Context, args: AddArgs) -> Result<(), Error> {
    let name = match args.name {
        Some(name) => name,
        None if args.auto => machine_id(),
        None => return Err(Error::new("please specify a machine name to add, or use --auto")),
    };
    let destination = destination(ctx, args.file.as_deref(), args.force)?;
    let password = match args.password.filter(|password| !password.is_empty()) {
        Some(password) => password,
        None if args.interactive => ask_password()?,
        None if args.auto => generate_password(),
        None => {
            return Err(Error::new(
                "please specify a password with --password or use --auto",
            ));
        }
    };
    let password_hash = hash_password(&password).map_err(|error| Error::new(chain(&error)))?;
    let store = ctx.store()?;
    let existing = ctx
        .wait(store.machine(&name))
        .map_err(|error| Error::new(chain(&error)))?;
    if existing.is_some() && !args.force {
        return Err(Error::new(format!(
            "unable to create machine: user '{name}': user already exist"
        )));
    }
    let new = NewMachine {
        machine_id: name.clone(),
        password_hash,
        ip_address: String::new(),
        validated: true,
        force: args.force,
        auth_type: "password",
    };
    ctx.wait(store.add_machine(new))
        .map_err(|error| Error::new(format!("unable to create machine: {}", chain(&error))))?;
    ctx.out
        .note(&format!("Machine '{name}' successfully added to the local API."));
    let url = args.url.map_or_else(|| default_url(ctx), Ok)?;
    let text = credentials_yaml(&url, &name, &password);
    match destination {
        None => ctx.out.print(&text),
        Some(path) => {
            write_private(&path, &text)?;
            ctx.out
                .note(&format!("API credentials written to '{}'.", path.display()));
            Ok(())
        }
    }
}

/// Returns where the credentials go, `None` for standard output; the configured file is not replaced by accident.
fn destination(ctx: &Context, file: Option<&str>, force: bool) -> Result<Option<PathBuf>, Error> {
    let destination = match file {
        Some("-") => None,
        Some(path) => Some(PathBuf::from(path)),
        None => match &ctx.config()?.client {
            Some(client) => Some(client.credentials_file.clone()),
            None => {
                return Err(Error::new(
                    "please specify a file to write the credentials to with -f",
                ));
            }
        },
    };
    if let Some(path) = &destination
        && file.is_none()
        && !force
        && path.exists()
    {
        return Err(Error::new(format!(
            "credentials file '{}' already exists: please remove it, use \"--force\" or specify a different file \
             with \"-f\" (\"-f -\" for standard output)",
            path.display()
        )));
    }
    Ok(destination)
}

/// The URL of the existing credentials, else where this Local API listens.
fn default_url(ctx: &Context) -> Result<String, Error> {
    if let Ok((credentials, _)) = ctx.credentials() {
        return Ok(credentials.url);
    }
    let server = ctx.config()?.server.as_ref();
    if let Some(socket) = server.and_then(|server| server.listen_socket.as_ref()) {
        return Ok(socket.display().to_string());
    }
    server
        .and_then(|server| server.listen_uri.as_ref())
        .map(|address| format!("http://{address}"))
        .ok_or_else(|| Error::new("unable to find an api URL: give one with --url"))
}

fn delete(ctx: &Context, names: &[String], ignore_missing: bool) -> Result<(), Error> {
    let store = ctx.store()?;
    for name in names {
        let row = ctx
            .wait(store.machine(name))
            .map_err(|error| Error::new(chain(&error)))?;
        if row.is_none() {
            if !ignore_missing {
                ctx.out
                    .error(&format!("unable to delete machine: '{name}' does not exist"));
            }
            continue;
        }
        match ctx.wait(store.delete_machine(name)) {
            Ok(()) => ctx.out.info(&format!("machine '{name}' deleted successfully")),
            Err(error) => ctx
                .out
                .error(&format!("unable to delete machine '{name}': {}", chain(&error))),
        }
    }
    Ok(())
}

fn validate(ctx: &Context, name: &str) -> Result<(), Error> {
    let store = ctx.store()?;
    let row = ctx
        .wait(store.machine(name))
        .map_err(|error| Error::new(chain(&error)))?;
    if row.is_none() {
        return Err(Error::new(format!(
            "unable to validate machine '{name}': machine not found"
        )));
    }
    ctx.wait(store.validate_machine(name))
        .map_err(|error| Error::new(format!("unable to validate machine '{name}': {}", chain(&error))))?;
    ctx.out.info(&format!("machine '{name}' validated successfully"));
    Ok(())
}

/// Without a duration only machines that were never validated go.
fn prune(ctx: &Context, duration: Option<Duration>, force: bool) -> Result<(), Error> {
    const SHORT: i64 = 120_000_000_000;
    const ABORTED: &str = "User aborted prune. No changes were made.\n";
    if duration.is_some_and(|duration| duration.0 < SHORT) {
        let question = "The duration you provided is less than 2 minutes. This can break installations if the \
                        machines are only temporarily disconnected. Continue?";
        if !ask(ctx, question, false)? {
            return ctx.out.print(ABORTED);
        }
    }
    let now = service::clock::now();
    let before = duration.map(|duration| ago(now, duration));
    let mut rows = all(ctx)?;
    rows.retain(|row| {
        let seen = row.last_heartbeat.or(row.created_at);
        !row.is_validated || before.is_some_and(|before| seen.is_some_and(|seen| seen <= before))
    });
    if rows.is_empty() {
        return ctx.out.print("No machines to prune.\n");
    }
    ctx.out.print(&show::table(&ctx.out, &rows, now))?;
    let question = "You are about to PERMANENTLY remove the above machines from the database. \
                    These will NOT be recoverable. Continue?";
    if !force && !ask(ctx, question, false)? {
        return ctx.out.print(ABORTED);
    }
    let store = ctx.store()?;
    let mut count = 0;
    for row in &rows {
        match ctx.wait(store.delete_machine(&row.machine_id)) {
            Ok(()) => count += 1,
            Err(error) => {
                return Err(Error::new(format!("unable to prune machines: {}", chain(&error))));
            }
        }
    }
    ctx.out.note(&format!("successfully deleted {count} machines"));
    Ok(())
}

/// Returns the instant `duration` before `now`.
pub(crate) fn ago(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_sub(jiff::SignedDuration::from_nanos(duration.0))
        .unwrap_or(Timestamp::MIN)
}

/// `debian/12`, `?` when unknown.
pub(crate) fn system(name: &str, version: &str) -> String {
    match (name, version) {
        ("", "") => "?".to_owned(),
        (name, "") => name.to_owned(),
        (name, version) => format!("{name}/{version}"),
    }
}

/// Asks a yes-or-no question on the terminal. Without one there is nobody to ask, and nothing is done.
pub(crate) fn ask(ctx: &Context, question: &str, default: bool) -> Result<bool, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            "EOF: this command asks for confirmation, but the input is not a terminal",
        ));
    }
    ctx.out.print(&format!(
        "? {question} {} ",
        if default { "(Y/n)" } else { "(y/N)" }
    ))?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::new(format!("cannot read: {error}")))?;
    Ok(match answer.trim().to_ascii_lowercase().as_str() {
        "" => default,
        "y" | "yes" => true,
        _ => false,
    })
}

fn ask_password() -> Result<String, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            "EOF: --interactive needs a terminal; use --password or --auto",
        ));
    }
    let mut stderr = std::io::stderr();
    // A prompt that cannot be shown is no reason not to read.
    drop(write!(stderr, "? Please provide a password for the machine: ").and_then(|()| stderr.flush()));
    let mut password = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut password)
        .map_err(|error| Error::new(format!("cannot read: {error}")))?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        Err(Error::new("the password is empty"))
    } else {
        Ok(password)
    }
}

/// Makes 64 letters and digits, about 380 bits.
pub(crate) fn generate_password() -> String {
    use rand::distr::{Alphanumeric, SampleString as _};
    Alphanumeric.sample_string(&mut rand::rng(), 64)
}

/// The host's id without dashes and 16 random characters, as upstream names machines.
pub(crate) fn machine_id() -> String {
    use rand::distr::{Alphanumeric, SampleString as _};
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let id: String = id.trim().chars().filter(char::is_ascii_alphanumeric).collect();
    let prefix = if id.is_empty() {
        Alphanumeric.sample_string(&mut rand::rng(), 32)
    } else {
        id
    };
    prefix + &Alphanumeric.sample_string(&mut rand::rng(), 16)
}

/// The text of a credentials file.
pub(crate) fn credentials_yaml(url: &str, login: &str, password: &str) -> String {
    let scalar = crate::alerts::yaml_scalar;
    format!(
        "url: {}\nlogin: {}\npassword: {}\n",
        scalar(url),
        scalar(login),
        scalar(password)
    )
}

/// Writes a file only its owner may read. A device such as `/dev/null` is written as it is.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let failed = |error: std::io::Error| {
        Error::new(format!(
            "write api credentials failed: {}",
            file("open", path, &error)
        ))
    };
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_file() {
        opened
            .set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
    }
    opened.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_only_for_their_owner_even_when_the_file_was_open() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.yaml");
        std::fs::write(&path, "old and longer than the new text, which must be gone").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, &credentials_yaml("http://127.0.0.1:8080", "m", "12345")).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "url: http://127.0.0.1:8080\nlogin: m\npassword: \"12345\"\n"
        );
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn generated_names_and_passwords_differ_each_time() {
        assert_ne!(generate_password(), generate_password());
        assert_eq!(generate_password().len(), 64);
        assert_ne!(machine_id(), machine_id());
    }
}
