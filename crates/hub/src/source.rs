//! Where the index, item files and data files come from: a folder in the hub's layout, the hub's CDN, the starter
//! set, in that order. The network is behind [`Fetch`].

use std::path::{Path, PathBuf};

use base64::Engine as _;

use crate::index::{Entry, digest};
use crate::starter;

/// No file of a hub is larger; the largest is the city database with about 60 MB.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Where upstream publishes the hub: branch, then path. Upstream: `cwhub` default of `__hub_url_template__`.
pub const DEFAULT_URL_TEMPLATE: &str = "https://cdn-hub.crowdsec.net/crowdsecurity/%s/%s";

/// Gets a document from the network. The command line implements it; tests use a map.
pub trait Fetch {
    /// Returns the body behind `url`, at most [`MAX_BYTES`] long.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError>;
}

/// Why a document did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server has no such document.
    #[error("document not found at {url}")]
    NotFound {
        /// Asked for.
        url: String,
    },
    /// The server answered with another status.
    #[error("bad HTTP code {code} for {url}")]
    Status {
        /// Asked for.
        url: String,
        /// Answered.
        code: u16,
    },
    /// No answer: name, connection, TLS or time.
    #[error("cannot reach {url}: {cause}")]
    Unreachable {
        /// Asked for.
        url: String,
        /// In the words of the HTTP client.
        cause: String,
    },
}

/// Why content could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The network failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file of the source folder cannot be read.
    #[error("cannot read {}: {}", path.display(), crate::state::io_text(source))]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An item asks for a data file that this program does not carry.
    #[error("this program carries no data file {name}; a newer one may")]
    Starter {
        /// Its name.
        name: String,
    },
    /// The content the index embeds is damaged.
    #[error("the embedded content of {path} does not have the digest {expected}")]
    Embedded {
        /// Path in the hub.
        path: String,
        /// Digest of the index.
        expected: String,
    },
    /// The source gave another text than the index announces.
    #[error("{place} has the digest {found}, the index says {expected}; run 'cscli hub update'")]
    Digest {
        /// URL or path.
        place: String,
        /// Digest of what came.
        found: String,
        /// Digest of the index.
        expected: String,
    },
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder in the hub's layout.
    Folder(PathBuf),
    /// The hub's CDN.
    Remote(String),
    /// The set compiled into this program.
    Starter,
}

/// The sources of one run.
pub struct Sources<'a> {
    /// A folder with `.index.json` and the items, from `HUB_DIR` or a `file://` template.
    pub folder: Option<PathBuf>,
    /// A folder with data files by URL path, from `HUB_DATA_DIR`.
    pub data_folder: Option<PathBuf>,
    /// `cscli.__hub_url_template__`: two `%s`, branch and path.
    pub url_template: String,
    /// `cscli.hub_branch`, `master` when not set.
    pub branch: String,
    /// The network.
    pub remote: &'a dyn Fetch,
}

impl<'a> Sources<'a> {
    /// Returns the sources for a configured template; `file:///folder` and `/folder` mean a folder.
    pub fn new(template: &str, branch: &str, remote: &'a dyn Fetch) -> Self {
        let folder = template
            .strip_prefix("file://")
            .or_else(|| template.starts_with('/').then_some(template))
            .map(|path| PathBuf::from(path.trim_end_matches("/%s/%s")));
        Self {
            folder,
            data_folder: None,
            url_template: template.to_owned(),
            branch: branch.to_owned(),
            remote,
        }
    }

    /// Returns the URL of a path of the hub.
    pub fn url(&self, path: &str) -> String {
        self.url_template
            .replacen("%s", &self.branch, 1)
            .replacen("%s", path, 1)
    }

    /// Returns the index text of the folder or the CDN. The caller decides whether to fall back to the starter set.
    pub fn index(&self) -> Result<(Origin, Vec<u8>), SourceError> {
        if let Some(folder) = &self.folder {
            let bytes = read(&folder.join(".index.json"))?;
            return Ok((Origin::Folder(folder.clone()), bytes));
        }
        let url = self.url(".index.json");
        let bytes = self.remote.fetch(&url)?;
        Ok((Origin::Remote(url), bytes))
    }

    /// Returns the latest text of an item, checked against its digest: from the index, the folder, the CDN.
    pub fn item(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let expected = entry.digest();
        if !entry.content.is_empty() {
            let damaged = || SourceError::Embedded {
                path: entry.path.clone(),
                expected: expected.to_owned(),
            };
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(&entry.content)
                .map_err(|_bad| damaged())?;
            return if digest(&bytes) == expected {
                Ok(bytes)
            } else {
                Err(damaged())
            };
        }
        let (place, bytes) = if let Some(folder) = &self.folder {
            let path = folder.join(&entry.path);
            (path.display().to_string(), read(&path)?)
        } else {
            let url = self.url(&entry.path);
            let bytes = self.remote.fetch(&url)?;
            (url, bytes)
        };
        let found = digest(&bytes);
        if found == expected {
            Ok(bytes)
        } else {
            Err(SourceError::Digest {
                place,
                found,
                expected: expected.to_owned(),
            })
        }
    }

    /// Returns a data file: from the data folder, from the starter set when the item is the starter set's own,
    /// from its URL, and from the starter set when the URL cannot be reached.
    pub fn data(&self, url: &str, item_hash: &str) -> Result<Vec<u8>, SourceError> {
        if let Some(name) = url.strip_prefix(starter::SCHEME) {
            let unknown = || SourceError::Starter {
                name: name.to_owned(),
            };
            return starter::data(name).map(<[u8]>::to_vec).ok_or_else(unknown);
        }
        let path = url_path(url);
        if let Some(bytes) = self.local_data(path)? {
            return Ok(bytes);
        }
        let own = starter::data(path);
        if let Some(bytes) = own.filter(|_| starter::has_item(item_hash)) {
            return Ok(bytes.to_vec());
        }
        match (self.remote.fetch(url), own) {
            (Ok(bytes), _) => Ok(bytes),
            (Err(_), Some(bytes)) => Ok(bytes.to_vec()),
            (Err(error), None) => Err(error.into()),
        }
    }

    fn local_data(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(folder) = &self.data_folder else {
            return Ok(None);
        };
        if !crate::index::is_safe_relative(path) {
            return Ok(None);
        }
        let path = folder.join(path);
        if path.is_file() {
            read(&path).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Returns the path of a URL without its first slash, query and fragment.
fn url_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    path.split(['?', '#']).next().unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    std::fs::read(path).map_err(|source| SourceError::Folder {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Offline;
    impl Fetch for Offline {
        fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
            Err(FetchError::Unreachable {
                url: url.to_owned(),
                cause: "no route".to_owned(),
            })
        }
    }

    #[test]
    fn a_template_that_is_a_path_is_a_folder() {
        for (template, folder) in [
            ("file:///srv/hub", Some("/srv/hub")),
            ("/srv/hub/%s/%s", Some("/srv/hub")),
            (DEFAULT_URL_TEMPLATE, None),
        ] {
            let sources = Sources::new(template, "master", &Offline);
            assert_eq!(sources.folder, folder.map(PathBuf::from), "{template}");
        }
    }

    #[test]
    fn the_default_template_names_branch_and_path() {
        let sources = Sources::new(DEFAULT_URL_TEMPLATE, "v1.7.8", &Offline);
        assert_eq!(
            sources.url("a/b.yaml"),
            "https://cdn-hub.crowdsec.net/crowdsecurity/v1.7.8/a/b.yaml"
        );
    }

    #[test]
    fn embedded_content_must_have_the_digest_of_its_version() {
        let mut entry = Entry {
            version: "0.1".into(),
            path: "p".into(),
            content: "aGVsbG8=".into(),
            ..Entry::default()
        };
        let sources = Sources::new(DEFAULT_URL_TEMPLATE, "master", &Offline);
        assert!(matches!(sources.item(&entry), Err(SourceError::Embedded { .. })));
        let version = crate::index::Version {
            digest: digest(b"hello"),
            deprecated: false,
        };
        entry.versions.insert("0.1".into(), version);
        assert_eq!(sources.item(&entry).unwrap(), b"hello");
    }

    #[test]
    fn the_path_of_a_url_is_what_the_data_folder_is_laid_out_by() {
        for (url, path) in [
            ("https://h/a/b.txt?x#y", "a/b.txt"),
            ("https://h", ""),
            ("a/b", "b"),
        ] {
            assert_eq!(url_path(url), path);
        }
    }
}
