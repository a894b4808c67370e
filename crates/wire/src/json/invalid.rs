//! What a body lacks, and the text of the answer that says so.

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
