//! Where rendered lines go; a write that fails loses that line and nothing else.

use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, PoisonError};

use crate::logging::format::Line;
use crate::logging::rotate::Rotating;
use crate::logging::{Error, Format, Media};

/// Which of the files a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Access,
    Fatal,
}

/// The open outputs, shared by the layer and the handle that changes them.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Sink>>);

#[derive(Debug)]
struct Sink {
    media: Media,
    format: Format,
    output: Output,
}

#[derive(Debug)]
enum Output {
    Stderr,
    Files(Box<[Rotating; 2]>),
    Syslog(Option<UnixDatagram>),
}

impl Shared {
    pub(crate) fn open(media: &Media, format: Format) -> Result<Self, Error> {
        let sink = Sink {
            media: media.clone(),
            format,
            output: output(media)?,
        };
        Ok(Self(Arc::new(Mutex::new(sink))))
    }

    /// Opens other outputs; the ones in use stay when they are the same or when opening fails.
    pub(crate) fn change(&self, media: &Media, format: Format) -> Result<(), Error> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.media != *media {
            sink.output = output(media)?;
            sink.media = media.clone();
        }
        sink.format = format;
        Ok(())
    }

    pub(crate) fn write(&self, kind: Kind, line: Line<'_>) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let format = sink.format;
        let short = (kind == Kind::Fatal).then(|| format!("FATAL {}\n", line.message));
        let severity = severity(line.level);
        let text = line.render(format);
        let lost: io::Result<()> = match &mut sink.output {
            Output::Stderr => io::stderr().lock().write_all(text.as_bytes()),
            Output::Files(files) => {
                let [main, access] = &mut **files;
                let file = if kind == Kind::Access { access } else { main };
                let stderr = short.map_or(Ok(()), |short| io::stderr().lock().write_all(short.as_bytes()));
                file.write_all(text.as_bytes()).and(stderr)
            }
            Output::Syslog(socket) => send(socket, severity, &text),
        };
        // There is no place left to report a log line that cannot be written.
        lost.unwrap_or_default();
    }
}

fn output(media: &Media) -> Result<Output, Error> {
    match media {
        Media::Stderr => Ok(Output::Stderr),
        Media::Files(files) => Ok(Output::Files(Box::new([
            Rotating::open(files, "crowdsec")?,
            Rotating::open(files, "crowdsec_api")?,
        ]))),
        Media::Syslog => Ok(Output::Syslog(None)),
    }
}

/// The socket every syslog daemon of Linux listens on.
const SYSLOG: &str = "/dev/log";

/// Facility `daemon`, see RFC 3164 §4.1.1.
const DAEMON: u8 = 3 << 3;

fn send(socket: &mut Option<UnixDatagram>, severity: u8, text: &str) -> io::Result<()> {
    let open = if let Some(open) = socket.take() {
        open
    } else {
        let open = UnixDatagram::unbound()?;
        open.connect(SYSLOG)?;
        open
    };
    let packet = format!(
        "<{}>crowdsec[{}]: {}",
        DAEMON | severity,
        std::process::id(),
        text.trim_end()
    );
    open.send(packet.as_bytes())?;
    // Kept only after a success, so that a restarted daemon is found again.
    *socket = Some(open);
    Ok(())
}

fn severity(level: &str) -> u8 {
    match level {
        "fatal" => 2,
        "error" => 3,
        "warning" => 4,
        "info" => 6,
        _ => 7,
    }
}
