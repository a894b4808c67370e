//! The readiness message to systemd.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells systemd that the process is ready; `socket` is the value of `NOTIFY_SOCKET`, absent outside systemd.
///
/// A leading `@` names an abstract socket. Upstream: `cmd/crowdsec/run_in_svc.go`.
pub fn ready(socket: Option<&OsStr>) -> io::Result<()> {
    let Some(name) = socket.filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let address = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_without_a_socket() {
        ready(None).unwrap();
        ready(Some(OsStr::new(""))).unwrap();
    }

    #[test]
    fn systemd_reads_ready_from_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        ready(Some(path.as_os_str())).unwrap();
        let mut bytes = [0_u8; 32];
        let length = systemd.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"READY=1");
    }

    #[test]
    fn systemd_reads_ready_from_an_abstract_name() {
        let name = format!("service-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let systemd = UnixDatagram::bind_addr(&address).unwrap();
        ready(Some(OsStr::new(&format!("@{name}")))).unwrap();
        let mut bytes = [0_u8; 32];
        let length = systemd.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"READY=1");
    }
}
