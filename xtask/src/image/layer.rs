//! The root filesystem of the image, as one tar whose bytes depend on nothing but its content.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use base64::Engine as _;
use tar::{Builder, EntryType, Header};

/// Who the processes run as.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    /// User and group number.
    pub(super) id: u32,
    /// Name in `/etc/passwd`.
    pub(super) name: &'static str,
}

impl User {
    /// The one user of the image; the pods name the same number.
    pub(super) const CROWDSEC: Self = Self {
        id: 65532,
        name: "crowdsec",
    };
}

/// The names of the one binary, beside `crowdsec` itself.
const NAMES: [&str; 2] = ["cscli", "crowdsec-operator"];

/// One entry of the tree.
enum Entry<'a> {
    Folder(u32),
    File(u32, &'a [u8]),
    Link(&'static str),
}

/// Lays out the root around the binary and returns it as a tar.
pub(super) fn build(binary: &[u8]) -> Result<Vec<u8>> {
    let (passwd, group, certificates) = (passwd(), group(), certificates());
    let mut tree: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    for folder in [
        "etc",
        "etc/ssl",
        "etc/ssl/certs",
        "licenses",
        "run",
        "usr",
        "usr/local",
        "usr/local/bin",
    ] {
        tree.insert(folder.to_owned(), Entry::Folder(0o755));
    }
    tree.insert("tmp".to_owned(), Entry::Folder(0o1777));
    for (path, text) in [
        ("etc/passwd", passwd.as_bytes()),
        ("etc/group", group.as_bytes()),
        // Without this file glibc asks DNS before it looks into /etc/hosts.
        ("etc/nsswitch.conf", b"hosts: files dns\n".as_slice()),
        ("etc/ssl/certs/ca-certificates.crt", certificates.as_bytes()),
        (
            "licenses/crowdsec-operator",
            include_bytes!("../../../LICENSE").as_slice(),
        ),
    ] {
        tree.insert(path.to_owned(), Entry::File(0o644, text));
    }
    tree.insert("usr/local/bin/crowdsec".to_owned(), Entry::File(0o755, binary));
    for name in NAMES {
        tree.insert(format!("usr/local/bin/{name}"), Entry::Link("crowdsec"));
    }
    write(&tree)
}

fn write(tree: &BTreeMap<String, Entry<'_>>) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, entry) in tree {
        match entry {
            Entry::Folder(mode) => {
                let mut header = header(EntryType::Directory, *mode, 0);
                tar.append_data(&mut header, path, std::io::empty())?;
            }
            Entry::File(mode, bytes) => {
                let mut header = header(EntryType::Regular, *mode, bytes.len());
                tar.append_data(&mut header, path, *bytes)?;
            }
            Entry::Link(target) => {
                let mut header = header(EntryType::Symlink, 0o777, 0);
                tar.append_link(&mut header, path, target)?;
            }
        }
    }
    Ok(tar.into_inner()?)
}

/// A header of root's at the beginning of time.
pub(super) fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size as u64);
    header
}

fn passwd() -> String {
    let User { id, name } = User::CROWDSEC;
    format!("root:x:0:0:root:/:/sbin/nologin\n{name}:x:{id}:{id}::/tmp:/sbin/nologin\n")
}

fn group() -> String {
    let User { id, name } = User::CROWDSEC;
    format!("root:x:0:\nadm:x:4:\n{name}:x:{id}:\n")
}

/// Mozilla's roots as one PEM bundle; from a crate, so that the machine that builds cannot change them.
fn certificates() -> String {
    let mut out = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let text = base64::engine::general_purpose::STANDARD.encode(certificate);
        out.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            writeln!(out, "{}", String::from_utf8_lossy(line)).unwrap_or_default();
        }
        out.push_str("-----END CERTIFICATE-----\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_three_names_of_one_binary_and_little_else() {
        let tar = build(b"binary").unwrap();
        let mut listing = String::new();
        for entry in tar::Archive::new(tar.as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 0);
            let link = entry
                .link_name()
                .unwrap()
                .map(|target| format!(" -> {}", target.display()));
            writeln!(
                listing,
                "{:>5o} {:>5} {}{}",
                header.mode().unwrap(),
                header.uid().unwrap(),
                entry.path().unwrap().display(),
                link.unwrap_or_default()
            )
            .unwrap();
        }
        insta::assert_snapshot!(listing);
    }

    #[test]
    fn the_bundle_holds_whole_certificates() {
        let bundle = certificates();
        assert!(bundle.matches("BEGIN CERTIFICATE").count() > 100);
        assert!(bundle.lines().all(|line| line.len() <= 64));
    }
}
