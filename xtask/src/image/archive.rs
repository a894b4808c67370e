//! One file that is an OCI layout and a docker-archive at once, so that every tool can load it.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType};

use super::layer::User;
use super::{Arch, layer};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The beginning of time, so that the same content gives the same bytes.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// An image of one layer.
pub(super) struct Image {
    /// Repository and tag.
    pub(super) reference: String,
    /// The processor it is for.
    pub(super) arch: Arch,
    /// The root filesystem as an uncompressed tar.
    pub(super) layer: Vec<u8>,
    /// The program that starts when none is named.
    pub(super) entrypoint: &'static str,
    /// Who it runs as.
    pub(super) user: User,
    /// Annotations of the image's configuration.
    pub(super) labels: BTreeMap<&'static str, &'static str>,
}

/// Content addressed by its digest.
struct Blob {
    kind: &'static str,
    digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(kind: &'static str, bytes: Vec<u8>) -> Self {
        let digest = hex::encode(Sha256::digest(&bytes));
        Self { kind, digest, bytes }
    }

    fn json(kind: &'static str, value: &Value) -> Self {
        Self::new(kind, value.to_string().into_bytes())
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.kind, "digest": format!("sha256:{}", self.digest), "size": self.bytes.len()})
    }
}

impl Image {
    /// Returns what registries and nodes call the image by.
    pub(super) fn manifest_digest(&self) -> Result<String> {
        Ok(format!("sha256:{}", self.blobs()?.2.digest))
    }

    /// Returns the archive.
    pub(super) fn to_archive(&self) -> Result<Vec<u8>> {
        let (layer, config, manifest) = self.blobs()?;
        let mut listed = manifest.descriptor();
        listed["platform"] = json!({"architecture": self.arch.name(), "os": "linux"});
        let tag = self.reference.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        listed["annotations"] = json!({
            "io.containerd.image.name": self.reference,
            "org.opencontainers.image.ref.name": tag,
        });
        let docker = json!([{
            "Config": config.path(),
            "RepoTags": [self.reference],
            "Layers": [layer.path()],
        }]);
        let mut files: BTreeMap<String, Vec<u8>> = [&layer, &config, &manifest]
            .into_iter()
            .map(|blob| (blob.path(), blob.bytes.clone()))
            .collect();
        for (name, value) in [
            ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
            (
                "index.json",
                json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [listed]}),
            ),
            ("manifest.json", docker),
        ] {
            files.insert(name.to_owned(), value.to_string().into_bytes());
        }
        let mut tar = Builder::new(Vec::new());
        for folder in ["blobs", "blobs/sha256"] {
            let mut header = layer::header(EntryType::Directory, 0o755, 0);
            tar.append_data(&mut header, folder, std::io::empty())?;
        }
        for (name, bytes) in files {
            let mut header = layer::header(EntryType::Regular, 0o644, bytes.len());
            tar.append_data(&mut header, name, bytes.as_slice())?;
        }
        Ok(tar.into_inner()?)
    }

    /// Layer, configuration and manifest.
    fn blobs(&self) -> Result<(Blob, Blob, Blob)> {
        let diff = hex::encode(Sha256::digest(&self.layer));
        let layer = Blob::new(LAYER, gzip(&self.layer).context("compressing the layer")?);
        let user = format!("{0}:{0}", self.user.id);
        let config = Blob::json(
            CONFIG,
            &json!({
                "architecture": self.arch.name(),
                "os": "linux",
                "created": CREATED,
                "config": {
                    "User": user,
                    "Env": ["PATH=/usr/local/bin"],
                    "Entrypoint": [self.entrypoint],
                    "WorkingDir": "/",
                    "Labels": self.labels,
                },
                "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff}")]},
                "history": [{"created": CREATED, "created_by": "make image"}],
            }),
        );
        let manifest = Blob::json(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(),
                "layers": [layer.descriptor()],
            }),
        );
        Ok((layer, config, manifest))
    }
}

/// Compresses without a time or a name in the header.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(path, bytes);
        }
        files
    }

    fn json(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// Follows a descriptor and checks its digest and size.
    fn follow<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap();
        let bytes = &files[&format!("blobs/sha256/{digest}")];
        assert_eq!(hex::encode(Sha256::digest(bytes)), digest);
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    #[test]
    fn the_same_binary_gives_the_same_bytes_and_another_binary_others() {
        let archive = |binary: &[u8]| {
            super::super::build(Arch::Amd64, binary)
                .unwrap()
                .to_archive()
                .unwrap()
        };
        assert!(archive(b"one") == archive(b"one"));
        assert!(archive(b"one") != archive(b"two"));
    }

    #[test]
    fn both_indexes_of_the_archive_lead_to_the_same_layer_with_the_binary_in_it() {
        let image = super::super::build(Arch::Arm64, b"the binary").unwrap();
        let archive = image.to_archive().unwrap();
        let blobs = files(&archive);
        let index = json(&blobs["index.json"]);
        let listed = &index["manifests"][0];
        assert_eq!(listed["platform"]["architecture"], "arm64");
        assert_eq!(listed["digest"], image.manifest_digest().unwrap());
        let manifest = json(follow(&blobs, listed));
        let config = json(follow(&blobs, &manifest["config"]));
        let layer = follow(&blobs, &manifest["layers"][0]);

        let docker = &json(&blobs["manifest.json"])[0];
        assert_eq!(docker["RepoTags"][0], image.reference);
        assert_eq!(blobs[docker["Layers"][0].as_str().unwrap()], layer);
        assert_eq!(json(&blobs[docker["Config"].as_str().unwrap()]), config);

        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(layer)
            .read_to_end(&mut plain)
            .unwrap();
        let diff = format!("sha256:{}", hex::encode(Sha256::digest(&plain)));
        assert_eq!(config["rootfs"]["diff_ids"][0], diff);
        assert_eq!(config["config"]["User"], "65532:65532");
        let mut root = files(&plain);
        assert_eq!(root.remove("usr/local/bin/crowdsec").unwrap(), b"the binary");
    }
}
