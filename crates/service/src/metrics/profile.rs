//! A CPU profile of the running process in the format of `go tool pprof`.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use pprof::protos::Message as _;
use pprof::{ProfilerGuard, ProfilerGuardBuilder};

/// Samples a second; Go uses the same.
const FREQUENCY: i32 = 100;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another recording runs, or timers are not available.
    #[error("starting the profiler")]
    Start(#[source] pprof::Error),
    /// The samples cannot be named.
    #[error("reading the samples")]
    Report(#[source] pprof::Error),
    /// The profile cannot be compressed.
    #[error("writing the profile")]
    Encode(#[source] std::io::Error),
    /// Naming the samples panicked.
    #[error("naming the samples")]
    Symbols,
}

/// A running CPU profile of the whole process; only one can run at a time.
pub struct Recording {
    guard: ProfilerGuard<'static>,
}

impl Recording {
    /// Begins to sample.
    pub fn start() -> Result<Self, Error> {
        let guard = ProfilerGuardBuilder::default()
            .frequency(FREQUENCY)
            .blocklist(&["libc", "libgcc", "pthread", "vdso"])
            .build()
            .map_err(Error::Start)?;
        Ok(Self { guard })
    }

    /// Ends sampling and returns a gzipped `perftools.profiles.Profile`; reads the whole debug information.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        let report = self.guard.report().build().and_then(|report| report.pprof());
        let bytes = report.map_err(Error::Report)?.encode_to_vec();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes).map_err(Error::Encode)?;
        encoder.finish().map_err(Error::Encode)
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// Samples the process for `length` and returns the profile.
pub(crate) async fn cpu(length: Duration) -> Result<Vec<u8>, Error> {
    let recording = Recording::start()?;
    tokio::time::sleep(length).await;
    tokio::task::spawn_blocking(move || recording.finish())
        .await
        .map_err(|_panicked_or_stopped| Error::Symbols)?
}
