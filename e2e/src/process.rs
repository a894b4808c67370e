//! Child processes that end with their owner, with their output kept in a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// A running child; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs appended to `output`.
    pub fn start(name: &str, mut command: Command, output: &Path) -> Result<Process> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(output)
            .with_context(|| format!("opening {}", output.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {name} ({})", command.get_program().display()))?;
        Ok(Process {
            name: name.to_owned(),
            child,
            output: output.to_owned(),
        })
    }

    /// Process id, for signals sent by tests.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Fails, with the end of its output, when it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended with {status}:\n{}", self.name, tail(&self.output(), 15));
        }
        Ok(())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end (SIGTERM) and waits at most `limit`; kills it then.
    pub fn terminate(mut self, limit: Duration) -> Result<()> {
        send_signal("TERM", self.child.id())?;
        let ended = wait::until(
            &format!("{} to end", self.name),
            limit,
            Duration::from_millis(10),
            || Ok(self.child.try_wait()?.map(|_| ())),
        );
        if ended.is_err() {
            self.kill()?;
        }
        ended
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for its own end and tells its exit code.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<i32>> {
        let name = format!("{} to end", self.name);
        wait::until(&name, limit, Duration::from_millis(10), || {
            Ok(self.child.try_wait()?.map(|s| s.code()))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() && self.kill().is_err() {
            // Nothing to do about a child that ended in between.
        }
    }
}

/// Sends a signal to one process that the caller started.
pub fn send_signal(signal: &str, id: u32) -> Result<()> {
    run("kill", [format!("-{signal}"), id.to_string()]).map(drop)
}

/// Runs a command to its end and gives its standard output; a failure carries its standard error.
pub fn run<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    run_command(command)
}

/// As [`run`], for a prepared command.
pub fn run_command(mut command: Command) -> Result<String> {
    let line = describe(&command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{line}`"))?;
    told(&line, &output)
}

/// As [`run_command`], with `input` on its standard input.
pub fn run_with_input(mut command: Command, input: &str) -> Result<String> {
    let mut file = tempfile::tempfile()?;
    file.write_all(input.as_bytes())?;
    file.rewind()?;
    let line = describe(&command);
    let output = command
        .stdin(file)
        .output()
        .with_context(|| format!("starting `{line}`"))?;
    told(&line, &output)
}

/// Standard output of a program that ended well, or an error with all it printed.
fn told(line: &str, output: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "`{line}` ended with {}:\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(text)
}

/// The last `lines` lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..)
        .unwrap_or_default()
        .join("\n")
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}
