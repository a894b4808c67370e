//! Why a command failed, in one sentence for the person who typed it.

use std::io;

/// The end of a run that did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The configuration cannot be used; printed without the command's name, as upstream does.
    #[error("{0}")]
    Configuration(String),
    /// The command cannot do what it was asked.
    #[error("{0}")]
    Failed(String),
    /// This command has no output of that form.
    #[error("output format '{0}' not supported for this command")]
    Format(&'static str),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Error {
    /// Makes an error from a sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<hub::Error> for Error {
    fn from(error: hub::Error) -> Self {
        match error {
            error @ (hub::Error::ReadIndex { .. } | hub::Error::ParseIndex { .. }) => Self::Failed(format!(
                "{error}. Run 'sudo cscli hub update' to download the index again"
            )),
            error @ hub::Error::Read { .. } => Self::Failed(chain(&error)),
        }
    }
}

impl From<hub::plan::PlanError> for Error {
    fn from(error: hub::plan::PlanError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<hub::apply::ApplyError> for Error {
    fn from(error: hub::apply::ApplyError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<hub::apply::UpdateError> for Error {
    fn from(error: hub::apply::UpdateError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Returns an error with its causes, joined by `: `.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Returns what went wrong between us and the Local API; one that does not answer is usually not running.
pub(crate) fn client_text(error: &client::Error) -> String {
    let text = chain(error);
    if matches!(error, client::Error::Unreachable { .. }) {
        format!("{text}; is the Local API running there?")
    } else {
        text
    }
}

/// Returns the system's words for a file, as Go writes them.
pub(crate) fn file(verb: &str, path: &std::path::Path, error: &io::Error) -> String {
    format!("{verb} {}: {}", path.display(), hub::state::io_text(error))
}
