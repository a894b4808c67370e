//! What the API description requires of a body, and the text of the answer when it lacks it.

use super::decode::FromGo;
use super::parse::Value;

const HEAD: &str = "validation failure list:";

/// One finding, or a nested list of them (which prints its own heading, as upstream's library does).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// `name in body is required` and the like: the name, then the rest.
    Field(String, String),
    /// Findings inside a nested object.
    List(Vec<Invalid>),
}

impl Invalid {
    /// Puts a path in front of every name.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Self::Field(name, rest) => Self::Field(format!("{prefix}.{name}"), rest),
            Self::List(inner) => Self::List(inner.into_iter().map(|i| i.within(prefix)).collect()),
        }
    }

    /// Prints the list; headings that follow each other at the start are said once.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        self.lines(&mut lines);
        let headings = lines.iter().take_while(|line| *line == HEAD).count();
        lines.split_off(headings.saturating_sub(1)).join("\n")
    }

    fn lines(&self, out: &mut Vec<String>) {
        match self {
            Self::Field(name, rest) => out.push(format!("{name} {rest}")),
            Self::List(inner) => {
                out.push(HEAD.to_owned());
                for item in inner {
                    item.lines(out);
                }
            }
        }
    }
}

/// The members of one object, to be checked.
#[derive(Debug)]
pub struct Checks<'v, 'a> {
    object: &'v Value<'a>,
}

impl<'v, 'a> Checks<'v, 'a> {
    /// Looks at an object; anything else has no members.
    pub fn of(value: &'v Value<'a>) -> Self {
        Self { object: value }
    }

    fn given(&self, name: &str) -> Option<&'v Value<'a>> {
        self.object.member(name).filter(|v| **v != Value::Null)
    }

    /// Requires the member; says whether it is there.
    pub fn required(&self, name: &str, found: &mut Vec<Invalid>) -> bool {
        let there = self.given(name).is_some();
        if !there {
            found.push(Invalid::Field(name.to_owned(), "in body is required".to_owned()));
        }
        there
    }

    /// Bounds a text from above, in characters.
    pub fn at_most(&self, name: &str, limit: usize, found: &mut Vec<Invalid>) -> bool {
        self.length(
            name,
            found,
            |n| n <= limit,
            || format!("in body should be at most {limit} chars long"),
        )
    }

    /// Bounds a non-empty text from below, in characters.
    pub fn at_least(&self, name: &str, limit: usize, found: &mut Vec<Invalid>) -> bool {
        self.length(
            name,
            found,
            |n| n == 0 || n >= limit,
            || format!("in body should be at least {limit} chars long"),
        )
    }

    fn length(
        &self,
        name: &str,
        found: &mut Vec<Invalid>,
        fits: impl Fn(usize) -> bool,
        text: impl Fn() -> String,
    ) -> bool {
        let Some(Value::String(value)) = self.given(name) else {
            return true;
        };
        if fits(value.chars().count()) {
            return true;
        }
        found.push(Invalid::Field(name.to_owned(), text()));
        false
    }

    /// Checks what the member contains; the field tells the type.
    pub fn nested<T: FromGo>(&self, _field: &T, name: &str, found: &mut Vec<Invalid>) {
        let Some(value) = self.given(name) else { return };
        let mut inner = Vec::new();
        T::check(value, &mut inner);
        if !inner.is_empty() {
            found.push(Invalid::List(inner.into_iter().map(|i| i.within(name)).collect()));
        }
    }
}
