//! Waiting for the user's Ctrl-C.

use anyhow::Result;

/// Returns when the process is told to stop (SIGINT, SIGTERM).
pub(super) fn until_stopped() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut signals = service::signals::Signals::install()?;
        while signals.next().await == service::signals::Signal::Reload {}
        Ok(())
    })
}
