//! A CPU profile of the running process in the format of `go tool pprof`.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use pprof::ProfilerGuardBuilder;
use pprof::protos::Message as _;

/// Samples a second; Go uses the same.
const FREQUENCY: i32 = 100;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("starting the profiler")]
    Start(#[source] pprof::Error),
    #[error("reading the samples")]
    Report(#[source] pprof::Error),
    #[error("writing the profile")]
    Encode(#[source] std::io::Error),
    #[error("naming the samples")]
    Symbols,
}

/// Samples the process for `length` and returns a gzipped `perftools.profiles.Profile`.
///
/// Only one profile can run at a time; a second one is an error.
pub(crate) async fn cpu(length: Duration) -> Result<Vec<u8>, Error> {
    let guard = ProfilerGuardBuilder::default()
        .frequency(FREQUENCY)
        .blocklist(&["libc", "libgcc", "pthread", "vdso"])
        .build()
        .map_err(Error::Start)?;
    tokio::time::sleep(length).await;
    // Looking up names reads the whole debug information.
    tokio::task::spawn_blocking(move || {
        let profile = guard
            .report()
            .build()
            .and_then(|report| report.pprof())
            .map_err(Error::Report)?;
        drop(guard);
        let bytes = profile.encode_to_vec();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes).map_err(Error::Encode)?;
        encoder.finish().map_err(Error::Encode)
    })
    .await
    .map_err(|_panicked_or_stopped| Error::Symbols)?
}
