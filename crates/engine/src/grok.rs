//! Grok: named patterns, expanded to one ASCII regular expression of which only the semantics capture.
//!
//! Behaviour of grokky 0.2.2: textual references, no types, last occurrence of a semantic wins.

mod backtrack;
mod library;
mod matcher;
mod pattern;

use crate::world::PatternFile;

pub(crate) use self::matcher::last_line;
pub use self::{
    library::{Library, LibraryError},
    matcher::{Cache, Grok, GrokError},
};

/// The base patterns that upstream's grok library carries, by the name of their file here.
const BASE: (&str, &str) = ("base", include_str!("../patterns/base"));

/// What upstream ships in `config/patterns`, in file-name order.
const FAMILIES: [(&str, &str); 24] = [
    ("aws", include_str!("../patterns/aws")),
    ("bacula", include_str!("../patterns/bacula")),
    ("bro", include_str!("../patterns/bro")),
    ("cowrie_honeypot", include_str!("../patterns/cowrie_honeypot")),
    ("exim", include_str!("../patterns/exim")),
    ("firewalls", include_str!("../patterns/firewalls")),
    ("haproxy", include_str!("../patterns/haproxy")),
    ("java", include_str!("../patterns/java")),
    ("junos", include_str!("../patterns/junos")),
    ("linux-syslog", include_str!("../patterns/linux-syslog")),
    ("mcollective", include_str!("../patterns/mcollective")),
    ("modsecurity", include_str!("../patterns/modsecurity")),
    ("mongodb", include_str!("../patterns/mongodb")),
    ("mysql", include_str!("../patterns/mysql")),
    ("nagios", include_str!("../patterns/nagios")),
    ("nginx", include_str!("../patterns/nginx")),
    ("paths", include_str!("../patterns/paths")),
    ("postgresql", include_str!("../patterns/postgresql")),
    ("rails", include_str!("../patterns/rails")),
    ("redis", include_str!("../patterns/redis")),
    ("ruby", include_str!("../patterns/ruby")),
    ("smb", include_str!("../patterns/smb")),
    ("ssh", include_str!("../patterns/ssh")),
    ("tcpdump", include_str!("../patterns/tcpdump")),
];

/// Returns the pattern files that come with the engine: [`base_patterns`], then the families that upstream ships in
/// `config/patterns`, in file-name order.
pub fn patterns() -> Vec<PatternFile> {
    std::iter::once(base_patterns())
        .chain(FAMILIES.into_iter().map(file))
        .collect()
}

/// Returns the file of base patterns, which upstream has without any pattern directory: it goes before the files of one.
pub fn base_patterns() -> PatternFile {
    file(BASE)
}

fn file((name, text): (&str, &str)) -> PatternFile {
    PatternFile {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}
