//! Reads one JSON value the way Go's scanner does, with its error texts.

use std::borrow::Cow;

use super::DecodeError;

/// Nesting beyond this is refused, as Go refuses it (at 10,000; the stack is ours to protect).
const MAX_DEPTH: usize = 512;

/// A parsed JSON value; numbers keep their text because Go's errors quote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// Members in the order written.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    /// Returns the member a Go struct field of this name takes: the last one that matches without regard to case.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .rev()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, v)| v),
            _ => None,
        }
    }
}

/// Parses the first value; what follows it is not looked at.
pub fn parse(body: &[u8]) -> Result<Value<'_>, DecodeError> {
    let mut scanner = Scanner { body, at: 0 };
    scanner.space();
    if scanner.at == body.len() {
        return Err(DecodeError::Syntax("EOF".to_owned()));
    }
    scanner.value(0)
}

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn space(&mut self) {
        while matches!(self.body.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, DecodeError> {
        self.body
            .get(self.at)
            .copied()
            .ok_or_else(|| DecodeError::Syntax("unexpected EOF".to_owned()))
    }

    fn bad<T>(&self, context: &str) -> Result<T, DecodeError> {
        let byte = self.peek()?;
        Err(DecodeError::Syntax(format!(
            "invalid character {} {context}",
            quote(byte)
        )))
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::Syntax("exceeded max depth".to_owned()));
        }
        self.space();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.bad("looking for beginning of value"),
        }
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, DecodeError> {
        for expected in word.bytes() {
            if self.peek()? != expected {
                let context = format!("in literal {word} (expecting {})", quote(expected));
                return self.bad(&context);
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return self.bad("after array element"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek()? != b'"' {
                return self.bad("looking for beginning of object key string");
            }
            let key = self.string()?;
            self.space();
            if self.peek()? != b':' {
                return self.bad("after object key");
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return self.bad("after object key:value pair"),
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.body.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value<'a>, DecodeError> {
        let start = self.at;
        if self.body.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else if self.digits() == 0 {
            return self.bad("in numeric literal");
        }
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.bad("after decimal point in numeric literal");
            }
        }
        if matches!(self.body.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.body.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.bad("in exponent of numeric literal");
            }
        }
        let text = self
            .body
            .get(start..self.at)
            .and_then(|b| std::str::from_utf8(b).ok());
        Ok(Value::Number(text.unwrap_or("0")))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    let raw = self.body.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(String::from_utf8_lossy(raw));
                }
                b'\\' => break,
                0..0x20 => return self.bad("in string literal"),
                _ => self.at += 1,
            }
        }
        self.escaped(start).map(Cow::Owned)
    }

    fn escaped(&mut self, start: usize) -> Result<String, DecodeError> {
        let mut out = self.body.get(start..self.at).unwrap_or_default().to_vec();
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(String::from_utf8_lossy(&out).into_owned());
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                0..0x20 => return self.bad("in string literal"),
                byte => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let plain = match self.peek()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let c = self.unicode()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.bad("in string escape code"),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.body.get(self.at..self.at + 2) != Some(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let back = self.at;
        self.at += 2;
        let second = self.hex4()?;
        if (0xdc00..0xe000).contains(&second) {
            let joined = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = back;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, DecodeError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.peek()?).to_digit(16) else {
                return self.bad("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Quotes a byte as Go's `quoteChar` does.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0..0x20 | 0x7f => format!(r"'\x{byte:02x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
