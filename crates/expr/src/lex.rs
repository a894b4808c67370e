//! Cuts an expression's text into tokens. Positions are counted in runes, as expr-lang reports them.

use std::collections::VecDeque;

/// Is one token with the place of its first rune.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) text: String,
    /// Content of a bytes literal; empty for every other token.
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Identifier,
    Number,
    String,
    Bytes,
    Operator,
    Bracket,
    End,
}

/// Says what is wrong at which rune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) message: String,
    pub(crate) at: usize,
}

pub(crate) fn tokens(source: &str) -> Result<VecDeque<Token>, LexError> {
    let mut lexer = Lexer {
        chars: source.chars().collect(),
        position: 0,
        out: VecDeque::new(),
    };
    lexer.run()?;
    Ok(lexer.out)
}

/// Reports whether a rune may stand in a name: letters, digits, `_` and `$`.
pub(crate) fn is_name_rune(rune: char) -> bool {
    is_name_start(rune) || rune.is_numeric() && !rune.is_alphabetic()
}

fn is_name_start(rune: char) -> bool {
    rune == '_' || rune == '$' || rune.is_alphabetic()
}

/// Reports whether `text` is a name, so that an operator word may follow a dot (`a.matches`).
pub(crate) fn is_name(text: &str) -> bool {
    let mut runes = text.chars();
    runes.next().is_some_and(is_name_start) && runes.all(is_name_rune)
}

struct Lexer {
    chars: Vec<char>,
    position: usize,
    out: VecDeque<Token>,
}

impl Lexer {
    fn run(&mut self) -> Result<(), LexError> {
        while let Some(rune) = self.peek(0) {
            let start = self.position;
            match rune {
                _ if rune.is_whitespace() => self.position += 1,
                '\'' | '"' => self.string(start, rune)?,
                '`' => self.raw_string(start)?,
                'b' | 'B' if matches!(self.peek(1), Some('\'' | '"')) => self.bytes(start)?,
                '0'..='9' => self.number(start)?,
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment()?,
                '#' => self.pointer(start),
                '(' | ')' | '[' | ']' | '{' | '}' => self.emit(TokenKind::Bracket, start, 1),
                ',' | ';' | '%' | '+' | '-' | '^' | '/' => self.emit(TokenKind::Operator, start, 1),
                '?' => self.operator(start, ".?"),
                '|' => self.operator(start, "|"),
                ':' => self.operator(start, ":"),
                '&' | '!' | '=' | '*' | '<' | '>' => self.operator(start, "&=*"),
                '.' if matches!(self.peek(1), Some('0'..='9')) => self.number(start)?,
                '.' => self.operator(start, "."),
                _ if is_name_rune(rune) => self.word(start),
                _ => return Err(self.error(start, &unrecognized(rune))),
            }
        }
        let at = self.position.saturating_sub(1);
        self.out.push_back(Token {
            kind: TokenKind::End,
            text: String::new(),
            bytes: Vec::new(),
            at,
        });
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.position + ahead).copied()
    }

    fn emit(&mut self, kind: TokenKind, start: usize, length: usize) {
        self.position = start + length;
        let text = self.chars[start..self.position].iter().collect();
        self.push(kind, start, text, Vec::new());
    }

    fn push(&mut self, kind: TokenKind, at: usize, text: String, bytes: Vec<u8>) {
        self.out.push_back(Token {
            kind,
            text,
            bytes,
            at,
        });
    }

    #[expect(clippy::unused_self, reason = "reads as the lexer's own error")]
    fn error(&self, at: usize, message: &str) -> LexError {
        LexError {
            message: message.to_owned(),
            at,
        }
    }

    fn operator(&mut self, start: usize, second: &str) {
        let double = self.peek(1).is_some_and(|rune| second.contains(rune));
        self.emit(TokenKind::Operator, start, 1 + usize::from(double));
    }

    fn word(&mut self, start: usize) {
        let length = self.chars[start..]
            .iter()
            .take_while(|rune| is_name_rune(**rune))
            .count();
        let word: String = self.chars[start..start + length].iter().collect();
        let kind = match word.as_str() {
            "not" | "in" | "or" | "and" | "matches" | "contains" | "startsWith" | "endsWith" | "let"
            | "if" | "else" => TokenKind::Operator,
            _ => TokenKind::Identifier,
        };
        self.emit(kind, start, length);
    }

    /// `#`, and a name that follows it without a space (`#acc`).
    fn pointer(&mut self, start: usize) {
        self.operator(start, "#");
        let name = self.position;
        let length = self.chars[name..]
            .iter()
            .take_while(|rune| is_name_rune(**rune))
            .count();
        if length > 0 {
            self.emit(TokenKind::Identifier, name, length);
        }
    }

    fn line_comment(&mut self) {
        let length = self.chars[self.position..]
            .iter()
            .take_while(|rune| **rune != '\n')
            .count();
        self.position += length;
    }

    fn block_comment(&mut self) -> Result<(), LexError> {
        self.position += 2;
        while let Some(rune) = self.peek(0) {
            self.position += 1;
            if rune == '*' && self.peek(0) == Some('/') {
                self.position += 1;
                return Ok(());
            }
        }
        Err(self.error(self.position, "unclosed comment"))
    }

    fn number(&mut self, start: usize) -> Result<(), LexError> {
        let mut end = start;
        let at = |index: usize| self.chars.get(index).copied();
        let mut digits = "0123456789_";
        if at(end) == Some('0') {
            end += 1;
            match at(end) {
                Some('x' | 'X') => digits = "0123456789abcdefABCDEF_",
                Some('o' | 'O') => digits = "01234567_",
                Some('b' | 'B') => digits = "01_",
                _ => end -= 1,
            }
            end += 1;
        }
        let run = |mut end: usize| {
            while at(end).is_some_and(|rune| digits.contains(rune)) {
                end += 1;
            }
            end
        };
        end = run(end);
        // `1..2` is a range, not a float and a dot.
        if at(end) == Some('.') && at(end + 1) == Some('.') {
            self.emit(TokenKind::Number, start, end - start);
            return Ok(());
        }
        if at(end) == Some('.') {
            end = run(end + 1);
        }
        if matches!(at(end), Some('e' | 'E')) {
            end += 1;
            if matches!(at(end), Some('+' | '-')) {
                end += 1;
            }
            end = run(end);
        }
        if at(end).is_some_and(is_name_rune) {
            let text: String = self.chars[start..=end].iter().collect();
            return Err(self.error(end, &format!("bad number syntax: {}", quote(&text))));
        }
        self.emit(TokenKind::Number, start, end - start);
        Ok(())
    }

    fn raw_string(&mut self, start: usize) -> Result<(), LexError> {
        self.position += 1;
        let mut text = String::new();
        loop {
            let Some(rune) = self.peek(0) else {
                return Err(self.error(self.position, "literal not terminated"));
            };
            self.position += 1;
            if rune == '`' {
                if self.peek(0) != Some('`') {
                    break;
                }
                // A doubled backtick stands for one.
                self.position += 1;
            }
            text.push(rune);
        }
        self.push(TokenKind::String, start, text, Vec::new());
        Ok(())
    }

    fn string(&mut self, start: usize, quote: char) -> Result<(), LexError> {
        self.position += 1;
        let mut text = String::new();
        let mut valid = true;
        while let Some(rune) = self.literal_rune(quote)? {
            match rune {
                Rune::Plain('\r') => text.push('\n'),
                Rune::Plain(rune) => text.push(rune),
                Rune::Code(code) | Rune::Byte(code) => {
                    valid &= code <= 0x10_FFFF;
                    text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Rune::Invalid => valid = false,
            }
        }
        self.check_escapes(valid)?;
        self.push(TokenKind::String, start, text, Vec::new());
        Ok(())
    }

    /// `b"…"`: `\x` and octal escapes are bytes, `\u` is refused.
    fn bytes(&mut self, start: usize) -> Result<(), LexError> {
        let quote = self.peek(1).unwrap_or('"');
        self.position += 2;
        let mut bytes = Vec::new();
        let mut valid = true;
        while let Some(rune) = self.literal_rune(quote)? {
            match rune {
                Rune::Plain('\r') => bytes.push(b'\n'),
                Rune::Plain(rune) => bytes.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes()),
                Rune::Byte(byte) => bytes.push(u8::try_from(byte).unwrap_or(0)),
                Rune::Code(_) | Rune::Invalid => valid = false,
            }
        }
        self.check_escapes(valid)?;
        self.push(TokenKind::Bytes, start, String::new(), bytes);
        Ok(())
    }

    /// Escapes that are well formed but mean nothing are refused at the end of the literal.
    fn check_escapes(&self, valid: bool) -> Result<(), LexError> {
        if valid {
            Ok(())
        } else {
            Err(self.error(self.position - 1, "unable to unescape string"))
        }
    }

    /// Returns the next rune of a quoted literal, `None` at the closing quote.
    fn literal_rune(&mut self, quote: char) -> Result<Option<Rune>, LexError> {
        match self.peek(0) {
            None | Some('\n') => Err(self.error(self.position, "literal not terminated")),
            Some(rune) => {
                self.position += 1;
                match rune {
                    _ if rune == quote => Ok(None),
                    '\\' => self.escape(quote).map(Some),
                    _ => Ok(Some(Rune::Plain(rune))),
                }
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<Rune, LexError> {
        let Some(rune) = self.peek(0) else {
            return Err(self.error(self.position, "invalid char escape"));
        };
        self.position += 1;
        Ok(match rune {
            'a' => Rune::Plain('\u{7}'),
            'b' => Rune::Plain('\u{8}'),
            'f' => Rune::Plain('\u{c}'),
            'n' => Rune::Plain('\n'),
            'r' => Rune::Byte(u32::from('\r')),
            't' => Rune::Plain('\t'),
            'v' => Rune::Plain('\u{b}'),
            '\\' => Rune::Plain('\\'),
            _ if rune == quote => Rune::Plain(rune),
            '0'..='7' => {
                self.position -= 1;
                match self.digits(8, 3)? {
                    code @ 0..=0xff => Rune::Byte(code),
                    _ => Rune::Invalid,
                }
            }
            'x' => Rune::Byte(self.digits(16, 2)?),
            'u' if self.peek(0) == Some('{') => Rune::Code(self.braced_code()?),
            'u' => Rune::Code(self.digits(16, 4)?),
            'U' => Rune::Code(self.digits(16, 8)?),
            _ => return Err(self.error(self.position - 1, "invalid char escape")),
        })
    }

    fn digits(&mut self, base: u32, count: usize) -> Result<u32, LexError> {
        let mut value: u32 = 0;
        for _ in 0..count {
            let digit = self.peek(0).and_then(|rune| rune.to_digit(base));
            let Some(digit) = digit else {
                return Err(self.error(self.position, "invalid char escape"));
            };
            value = value.wrapping_mul(base) | digit;
            self.position += 1;
        }
        Ok(value)
    }

    fn braced_code(&mut self) -> Result<u32, LexError> {
        self.position += 1;
        let count = self.chars[self.position..]
            .iter()
            .take(7)
            .take_while(|r| r.is_ascii_hexdigit())
            .count();
        if count == 0 || count > 6 || self.peek(count) != Some('}') {
            return Err(self.error(self.position + count.min(6) - 1, "invalid char escape"));
        }
        let code = self.digits(16, count)?;
        self.position += 1;
        Ok(code)
    }
}

/// One rune of a quoted literal: as it stands, or from an escape.
enum Rune {
    Plain(char),
    /// `\x` and octal escapes: a rune below 256 in a string, one byte in a bytes literal.
    Byte(u32),
    /// `\u` and `\U` escapes.
    Code(u32),
    /// An octal escape above a byte.
    Invalid,
}

fn unrecognized(rune: char) -> String {
    format!("unrecognized character: U+{:04X} '{rune}'", u32::from(rune))
}

/// Quotes as Go's `%q` does for printable text.
pub(crate) fn quote(text: &str) -> String {
    golang::strings::quote(text)
}
