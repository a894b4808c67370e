//! Whether the process does its work yet; the listener on 6060 answers only from then on.

use tokio::sync::watch;

/// A flag that is set once and can be waited for; clones share it.
#[derive(Clone, Debug)]
pub struct Ready {
    state: watch::Sender<bool>,
}

impl Ready {
    /// Makes a flag that is not set.
    pub fn new() -> Self {
        Self {
            state: watch::Sender::new(false),
        }
    }

    /// Sets the flag; setting it again changes nothing.
    pub fn mark(&self) {
        self.state.send_replace(true);
    }

    /// Says whether the flag is set.
    pub fn is_ready(&self) -> bool {
        *self.state.borrow()
    }

    /// Returns once the flag is set.
    pub async fn wait(&self) {
        let mut watcher = self.state.subscribe();
        // The sender lives in `self`, so the channel cannot close while this waits.
        watcher
            .wait_for(|ready| *ready)
            .await
            .map(|_| ())
            .unwrap_or_default();
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_when_another_clone_is_marked() {
        let ready = Ready::new();
        let waiter = tokio::spawn({
            let ready = ready.clone();
            async move { ready.wait().await }
        });
        assert!(!ready.is_ready());
        ready.mark();
        waiter.await.unwrap();
        assert!(ready.is_ready());
    }
}
