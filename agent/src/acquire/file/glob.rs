//! File name patterns as Go's `filepath.Glob` reads them: `*`, `?`, `[a-z]`, `[^a]`, `\x`, component by component.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A pattern that can never match: an open bracket or a trailing backslash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern '{0}'")]
pub struct BadPattern(pub String);

/// Tells whether `pattern` has anything but plain characters.
pub fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '\\'])
}

/// Checks a pattern before anything is matched with it.
pub fn validate(pattern: &str) -> Result<(), BadPattern> {
    for component in pattern.split('/') {
        tokens(component).ok_or_else(|| BadPattern(pattern.to_owned()))?;
    }
    Ok(())
}

/// Returns the existing paths that match `pattern`, sorted; folders that cannot be read count as empty, as in Go.
pub fn expand(pattern: &str) -> BTreeSet<PathBuf> {
    if !has_magic(pattern) {
        let path = PathBuf::from(pattern);
        return path.symlink_metadata().map(|_| path).into_iter().collect();
    }
    let mut found: BTreeSet<PathBuf> =
        [PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })].into();
    for component in pattern.split('/').filter(|component| !component.is_empty()) {
        found = found.iter().flat_map(|dir| step(dir, component)).collect();
    }
    found
}

/// Returns the folder that holds the matches of `pattern`, as far as it is fixed.
pub fn fixed_folder(pattern: &str) -> PathBuf {
    let path = Path::new(pattern);
    let mut folder = PathBuf::new();
    for part in path.parent().into_iter().flat_map(Path::components) {
        if has_magic(&part.as_os_str().to_string_lossy()) {
            break;
        }
        folder.push(part);
    }
    if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder
    }
}

fn step(dir: &Path, component: &str) -> Vec<PathBuf> {
    if !has_magic(component) {
        let path = dir.join(component);
        return path.symlink_metadata().map(|_| path).into_iter().collect();
    }
    let Some(tokens) = tokens(component) else {
        return Vec::new();
    };
    let listed = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let Ok(entries) = fs::read_dir(listed) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| matches(&tokens, &name.chars().collect::<Vec<_>>()))
        .map(|name| dir.join(name))
        .collect()
}

/// Tells whether the whole `name` (one component) matches `pattern`.
#[cfg(test)]
fn is_match(pattern: &str, name: &str) -> bool {
    tokens(pattern).is_some_and(|tokens| matches(&tokens, &name.chars().collect::<Vec<_>>()))
}

enum Token {
    Any,
    One,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Literal(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let low = class_char(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() {
                        class_char(&mut chars)?
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            other => Token::Literal(other),
        });
    }
    Some(out)
}

/// Returns the next character of a class; Go takes neither `]` nor `-` unescaped.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        ']' | '-' => None,
        '\\' => chars.next(),
        other => Some(other),
    }
}

/// Matches with one backtracking point, so the cost is at most pattern × name.
fn matches(tokens: &[Token], name: &[char]) -> bool {
    let (mut t, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(t), name.get(n)) {
            (None, None) => return true,
            (Some(Token::Any), _) => {
                star = Some((t, n));
                t += 1;
                continue;
            }
            (Some(token), Some(c)) if fits(token, *c) => {
                t += 1;
                n += 1;
                continue;
            }
            _ => {}
        }
        match star {
            Some((at, from)) if from < name.len() => {
                star = Some((at, from + 1));
                t = at + 1;
                n = from + 1;
            }
            _ => return false,
        }
    }
}

fn fits(token: &Token, c: char) -> bool {
    match token {
        Token::Any => false,
        Token::One => true,
        Token::Literal(literal) => *literal == c,
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(is_match(pattern, name), expected, "{pattern} on {name}");
    }

    #[test]
    fn a_name_matches_as_in_go() {
        check("*.log", "access.log", true);
        check("*.log", "access.log.1", false);
        check("*.log*", "access.log.1", true);
        check("a*b*c", "aXbYbZc", true);
        check("a*b*c", "aXbYbZ", false);
        check("*", "", true);
        check("?", "", false);
        check("a?c", "abc", true);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[^a-c]x", "dx", true);
        check("[]a]", "]", false);
        check("[\\]a]", "]", true);
        check("a\\*", "a*", true);
        check("a\\*", "ab", false);
    }

    #[test]
    fn a_broken_pattern_is_named() {
        for pattern in ["/var/[a", "/x/a\\", "[-]", "[a-]"] {
            assert_eq!(validate(pattern), Err(BadPattern(pattern.to_owned())));
        }
        assert_eq!(validate("/var/log/*.log"), Ok(()));
    }

    #[test]
    fn folders_match_too() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/x.log", "b/x.log", "b/y.txt"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let names = |pattern: &str| -> Vec<String> {
            expand(&format!("{root}/{pattern}"))
                .into_iter()
                .map(|path| {
                    path.strip_prefix(dir.path())
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned()
                })
                .collect()
        };
        assert_eq!(names("*/*.log"), ["a/x.log", "b/x.log"]);
        assert_eq!(names("b/*"), ["b/x.log", "b/y.txt"]);
        assert_eq!(names("a/x.log"), ["a/x.log"]);
        assert!(names("c/*").is_empty());
        assert_eq!(fixed_folder("/var/log/*/x*.log"), Path::new("/var/log"));
    }
}
