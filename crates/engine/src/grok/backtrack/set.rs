//! Sets of characters, and sets of bytes that may come next.

use regex_syntax::hir::Class;

/// A set of characters of UTF-8 text.
#[derive(Debug, Clone)]
pub(super) struct CharSet {
    ascii: [u64; 2],
    beyond: Beyond,
}

#[derive(Debug, Clone)]
enum Beyond {
    None,
    All,
    Some(Vec<(char, char)>),
}

/// What may come next at a place: a byte, or the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Viable {
    bytes: [u64; 4],
    end: bool,
}

impl CharSet {
    /// Returns the set of `class`; `None` for a class of raw bytes beyond ASCII.
    pub(super) fn of_class(class: &Class) -> Option<Self> {
        let ranges: Vec<(char, char)> = match class {
            Class::Unicode(class) => class.ranges().iter().map(|r| (r.start(), r.end())).collect(),
            Class::Bytes(class) if class.is_ascii() => class
                .ranges()
                .iter()
                .map(|r| (char::from(r.start()), char::from(r.end())))
                .collect(),
            Class::Bytes(_) => return None,
        };
        Some(Self::of_ranges(&ranges))
    }

    /// Returns the set of one character.
    pub(super) fn of_char(c: char) -> Self {
        Self::of_ranges(&[(c, c)])
    }

    fn of_ranges(ranges: &[(char, char)]) -> Self {
        let mut ascii = [0_u64; 2];
        let mut beyond = Vec::new();
        for &(from, to) in ranges {
            for code in u32::from(from)..=u32::from(to).min(0x7F) {
                if let Some(word) = ascii.get_mut((code / 64) as usize) {
                    *word |= 1 << (code % 64);
                }
            }
            if to > '\u{7F}' {
                beyond.push((from.max('\u{80}'), to));
            }
        }
        let beyond = match beyond.as_slice() {
            [] => Beyond::None,
            [('\u{80}', char::MAX)] => Beyond::All,
            _ => Beyond::Some(beyond),
        };
        Self { ascii, beyond }
    }

    /// Returns the place after the character at `at` if that character is in the set.
    #[inline]
    pub(super) fn step(&self, text: &[u8], at: usize) -> Option<usize> {
        let byte = *text.get(at)?;
        if byte < 0x80 {
            let word = if byte < 64 { self.ascii[0] } else { self.ascii[1] };
            return (word >> (byte & 63) & 1 == 1).then_some(at + 1);
        }
        self.step_beyond(text, at, byte)
    }

    #[cold]
    fn step_beyond(&self, text: &[u8], at: usize, lead: u8) -> Option<usize> {
        let length = match lead {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        };
        match &self.beyond {
            Beyond::None => None,
            Beyond::All => Some(at + length),
            Beyond::Some(ranges) => {
                let c = std::str::from_utf8(text.get(at..at + length)?)
                    .ok()?
                    .chars()
                    .next()?;
                ranges
                    .iter()
                    .any(|(from, to)| *from <= c && c <= *to)
                    .then_some(at + length)
            }
        }
    }

    /// Returns the bytes a character of the set may begin with.
    pub(super) fn leads(&self) -> Viable {
        let high = if matches!(self.beyond, Beyond::None) {
            0
        } else {
            u64::MAX
        };
        Viable {
            bytes: [self.ascii[0], self.ascii[1], high, high],
            end: false,
        }
    }
}

impl Viable {
    pub(super) const ANYTHING: Self = Self {
        bytes: [u64::MAX; 4],
        end: true,
    };
    pub(super) const NOTHING: Self = Self {
        bytes: [0; 4],
        end: false,
    };
    pub(super) const END: Self = Self {
        bytes: [0; 4],
        end: true,
    };

    pub(super) fn byte(byte: u8) -> Self {
        let mut set = Self::NOTHING;
        if let Some(word) = set.bytes.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
        set
    }

    #[inline]
    pub(super) fn allows(&self, byte: Option<u8>) -> bool {
        match byte {
            Some(byte) => self
                .bytes
                .get(usize::from(byte / 64))
                .is_some_and(|word| word >> (byte & 63) & 1 == 1),
            None => self.end,
        }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        let mut bytes = self.bytes;
        for (word, more) in bytes.iter_mut().zip(other.bytes) {
            *word |= more;
        }
        Self {
            bytes,
            end: self.end || other.end,
        }
    }

    /// Returns whether no byte is in both; the end of the text is not a byte.
    pub(super) fn shares_no_byte(&self, other: &Self) -> bool {
        self.bytes.iter().zip(other.bytes).all(|(a, b)| a & b == 0)
    }
}
