//! What the API description requires of a body.

use super::decode::FromGo;
use super::invalid::Invalid;
use super::parse::Value;

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
