//! Rewrites one Go pattern into one Rust pattern, group numbers unchanged.

use super::Error;

/// The ASCII members of Go's `\d`, `\s` and `\w`, to stand inside brackets.
const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x0C\r ";
const WORD: &str = "0-9A-Za-z_";
/// Go's largest repetition count.
const MAX_REPEAT: u32 = 1000;

/// Returns the Rust pattern with the same groups and the same matches as the Go pattern.
pub fn translate(pattern: &str) -> Result<String, Error> {
    let mut walk = Walk {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        names: Vec::new(),
        repeated: false,
    };
    while let Some(c) = walk.next() {
        if walk.repetition(c)? {
            continue;
        }
        match c {
            '\\' => walk.escape()?,
            '[' => walk.class()?,
            '{' => walk.out.push_str(r"\{"),
            '(' => walk.group()?,
            '}' => walk.out.push_str(r"\}"),
            ']' => walk.out.push_str(r"\]"),
            c => walk.out.push(c),
        }
    }
    Ok(walk.out)
}

struct Walk<'p> {
    rest: &'p str,
    out: String,
    /// Group names so far.
    names: Vec<&'p str>,
    /// What was written last is a repetition.
    repeated: bool,
}

impl Walk<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Takes `text` if the rest starts with it.
    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Handles `*`, `+`, `?` and `{2,3}`; tells whether `c` began one. A second one in a row is refused.
    fn repetition(&mut self, c: char) -> Result<bool, Error> {
        let length = match c {
            '*' | '+' | '?' => Some(0),
            '{' => repetition(self.rest),
            _ => None,
        };
        let Some(length) = length else {
            self.repeated = false;
            return Ok(false);
        };
        let counts = self.rest.get(..length).unwrap_or_default();
        if self.repeated {
            return Err(Error::Syntax(format!(
                "invalid nested repetition operator: `{c}{counts}`"
            )));
        }
        let too_large = |n: &str| !n.is_empty() && n.parse::<u32>().map_or(true, |n| n > MAX_REPEAT);
        if length > 0 && counts.trim_end_matches('}').split(',').any(too_large) {
            return Err(Error::Syntax(format!("invalid repeat count: `{c}{counts}`")));
        }
        self.out.push(c);
        self.out.push_str(counts);
        self.skip(length);
        if self.eat("?") {
            self.out.push('?');
        }
        self.repeated = true;
        Ok(true)
    }

    /// Handles what follows a `(`: Rust knows flags and look-arounds that Go refuses.
    fn group(&mut self) -> Result<(), Error> {
        self.out.push('(');
        let Some(rest) = self.rest.strip_prefix('?') else {
            return Ok(());
        };
        if let Some(name) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<'))
            && let Some((name, after)) = name.split_once('>')
            && !name.starts_with(['=', '!'])
        {
            // Go takes a name twice; Rust does not, and numbers are all that counts
            if self.names.contains(&name) {
                self.rest = after;
            } else {
                self.names.push(name);
            }
            return Ok(());
        }
        if let Some(after) = rest.strip_prefix(')') {
            self.out.push_str("?:)");
            self.rest = after;
            return Ok(());
        }
        let flags = rest.find([':', ')']).and_then(|end| rest.get(..end));
        match flags {
            Some(flags) if flags.chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-')) => Ok(()),
            _ => {
                let shown: String = self.rest.chars().take(3).collect();
                Err(Error::Syntax(format!(
                    "invalid or unsupported Perl syntax: `({shown}`"
                )))
            }
        }
    }

    /// Handles what follows a backslash outside of brackets.
    fn escape(&mut self) -> Result<(), Error> {
        let Some(c) = self.next() else {
            return Err(Error::Syntax(
                "trailing backslash at end of expression: ``".to_owned(),
            ));
        };
        match c {
            'd' => self.bracketed("[", DIGIT),
            'D' => self.bracketed("[^", DIGIT),
            's' => self.bracketed("[", SPACE),
            'S' => self.bracketed("[^", SPACE),
            'w' => self.bracketed("[", WORD),
            'W' => self.bracketed("[^", WORD),
            'b' => self.out.push_str(r"(?-u:\b)"),
            'B' => self.out.push_str(r"(?-u:\B)"),
            'A' => self.out.push_str(r"\A"),
            'z' => self.out.push_str(r"\z"),
            'Q' => self.quoted(),
            'C' => return Err(unknown("C")),
            c => self.common_escape(c)?,
        }
        Ok(())
    }

    fn bracketed(&mut self, open: &str, members: &str) {
        self.out.push_str(open);
        self.out.push_str(members);
        self.out.push(']');
    }

    /// Handles `\Q…\E`: all of it literal; without `\E` up to the end.
    fn quoted(&mut self) {
        let (literal, after) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        self.out.push_str(&regex::escape(literal));
        self.rest = after;
    }

    /// Handles the escapes that mean the same inside and outside of brackets.
    fn common_escape(&mut self, c: char) -> Result<(), Error> {
        match c {
            'p' | 'P' => self.property(c)?,
            'a' => self.out.push_str(r"\x07"),
            'f' => self.out.push_str(r"\x0C"),
            't' | 'n' | 'r' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'v' => self.out.push_str(r"\x0B"),
            'x' => self.hexadecimal()?,
            '0'..='7' => self.octal(c)?,
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => self.push_literal(c),
            c => return Err(unknown(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// Writes one literal character so that Rust reads it as itself, in brackets and outside.
    fn push_literal(&mut self, c: char) {
        if c.is_ascii_punctuation()
            && !matches!(
                c,
                '<' | '>' | '_' | '"' | '\'' | ',' | ';' | ':' | '!' | '=' | '@' | '%' | '`' | '/'
            )
        {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn property(&mut self, letter: char) -> Result<(), Error> {
        let bad = || unknown(letter.encode_utf8(&mut [0; 4]));
        let (name, length) = if let Some(inner) = self.rest.strip_prefix('{') {
            let end = inner.find('}').ok_or_else(bad)?;
            (inner.get(..end).unwrap_or_default(), end + 2)
        } else {
            let length = self.rest.chars().next().ok_or_else(bad)?.len_utf8();
            (self.rest.get(..length).unwrap_or_default(), length)
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (letter == 'p', name),
            None => (letter == 'P', name),
        };
        self.out.push_str(if negated { r"\P{" } else { r"\p{" });
        self.out.push_str(name);
        self.out.push('}');
        self.skip(length);
        Ok(())
    }

    /// Handles `\x7F` and `\x{10FFFF}`.
    fn hexadecimal(&mut self) -> Result<(), Error> {
        let (digits, length) = match self.rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or_else(|| unknown("x"))?;
                (inner.get(..end), end + 2)
            }
            None => (self.rest.get(..2), 2),
        };
        let code = digits
            .filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok())
            .ok_or_else(|| unknown("x"))?;
        self.skip(length);
        self.push_code(code)
    }

    /// Handles `\0`, `\012` and `\123`; a single digit other than 0 would be a back-reference and is refused.
    fn octal(&mut self, first: char) -> Result<(), Error> {
        let more = self
            .rest
            .bytes()
            .take(2)
            .take_while(|b| matches!(b, b'0'..=b'7'))
            .count();
        if first != '0' && more == 0 {
            return Err(unknown(first.encode_utf8(&mut [0; 4])));
        }
        let digits = self.rest.get(..more).unwrap_or_default();
        let code = u32::from_str_radix(&format!("{first}{digits}"), 8).unwrap_or(0);
        self.skip(more);
        self.push_code(code)
    }

    fn push_code(&mut self, code: u32) -> Result<(), Error> {
        if char::from_u32(code).is_none() {
            return Err(unknown("x"));
        }
        self.out.push_str(r"\x{");
        let digits = format!("{code:X}");
        self.out.push_str(&digits);
        self.out.push('}');
        Ok(())
    }

    /// Handles what follows a `[`.
    fn class(&mut self) -> Result<(), Error> {
        let whole = self.rest;
        let unclosed = || Error::Syntax(format!("missing closing ]: `[{whole}`"));
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.next().ok_or_else(unclosed)? {
                ']' if !first => break,
                '[' if self.rest.starts_with(':') => self.named_class()?,
                c => {
                    let is_set = self.class_item(c)?;
                    self.class_range(is_set)?;
                }
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// Writes one member beginning with `c`; tells whether it is a set such as `\d`.
    fn class_item(&mut self, c: char) -> Result<bool, Error> {
        if c == '\\' {
            return self.class_escape();
        }
        self.push_literal(c);
        Ok(false)
    }

    /// Writes the `-z` that may follow a member; a `-` before the closing bracket is left for the loop.
    fn class_range(&mut self, after_set: bool) -> Result<(), Error> {
        let Some(rest) = self.rest.strip_prefix('-').filter(|rest| !rest.starts_with(']')) else {
            return Ok(());
        };
        let Some(high) = rest.chars().next() else {
            return Ok(());
        };
        if after_set {
            // the `-` is a member of its own
            return Ok(());
        }
        self.skip(1 + high.len_utf8());
        self.out.push('-');
        let from = self.out.len();
        if self.class_item(high)? {
            let shown = self.out.get(from..).unwrap_or_default();
            return Err(Error::Syntax(format!("invalid character class range: `{shown}`")));
        }
        Ok(())
    }

    /// Handles what follows a backslash in a class; tells whether it is a set.
    fn class_escape(&mut self) -> Result<bool, Error> {
        let Some(c) = self.next() else {
            return Err(Error::Syntax(
                "trailing backslash at end of expression: ``".to_owned(),
            ));
        };
        match c {
            'd' => self.out.push_str(DIGIT),
            'w' => self.out.push_str(WORD),
            's' => self.out.push_str(SPACE),
            'D' => self.bracketed("[^", DIGIT),
            'W' => self.bracketed("[^", WORD),
            'S' => self.bracketed("[^", SPACE),
            'p' | 'P' => self.property(c)?,
            c => {
                self.common_escape(c)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Handles `[:alpha:]` inside a class; anything that is not such a name is a literal bracket.
    fn named_class(&mut self) -> Result<(), Error> {
        let Some(end) = self.rest.find(":]") else {
            self.out.push_str(r"\[");
            return Ok(());
        };
        let name = self.rest.get(1..end).unwrap_or_default();
        let plain = name.strip_prefix('^').unwrap_or(name);
        if !matches!(
            plain,
            "alnum"
                | "alpha"
                | "ascii"
                | "blank"
                | "cntrl"
                | "digit"
                | "graph"
                | "lower"
                | "print"
                | "punct"
                | "space"
                | "upper"
                | "word"
                | "xdigit"
        ) {
            return Err(Error::Syntax(format!(
                "invalid character class range: `[:{name}:]`"
            )));
        }
        self.skip(end + 2);
        self.out.push_str("[:");
        self.out.push_str(name);
        self.out.push_str(":]");
        Ok(())
    }
}

/// Returns the length of `3}`, `3,}` or `3,5}` at the start of `text`.
fn repetition(text: &str) -> Option<usize> {
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let low = digits(text);
    if low == 0 {
        return None;
    }
    let rest = text.get(low..)?;
    if rest.starts_with('}') {
        return Some(low + 1);
    }
    let rest = rest.strip_prefix(',')?;
    let high = digits(rest);
    rest.get(high..)?.starts_with('}').then_some(low + 1 + high + 1)
}

fn unknown(what: &str) -> Error {
    Error::Syntax(format!("invalid escape sequence: `\\{what}`"))
}
