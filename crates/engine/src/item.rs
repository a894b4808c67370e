//! What an installed hub item looks like when the caller hands it in: text and place, already read from disk.

/// The part of the hub an item file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `parsers/<stage>/*.yaml`
    Parser,
    /// `scenarios/*.yaml`
    Scenario,
    /// `postoverflows/<stage>/*.yaml`
    Postoverflow,
    /// `contexts/*.yaml`
    Context,
}

/// One installed item file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFile {
    /// Which part of the hub the file belongs to.
    pub kind: Kind,
    /// Stage directory (`s00-raw`); empty for scenarios and contexts.
    pub stage: String,
    /// Install path; the sort key of the load order and the file named in problems.
    pub path: String,
    /// Hub name (`crowdsecurity/nginx-logs`), or the file's own name for a local item.
    pub name: String,
    /// Local version of the hub item (`1.5`); empty for local and tainted items.
    pub version: String,
    /// Hex SHA-256 of the file, as the hub state has it.
    pub hash: String,
    /// The YAML text.
    pub text: String,
}
