//! A tolerant XML reader: text may stand outside of the root, entities of a DTD are refused.

/// Nesting beyond this is refused.
const MAX_DEPTH: usize = 1_000;

/// Elements in document order; element 0 is the document itself.
pub(super) struct Document {
    elements: Vec<Element>,
}

#[derive(Default)]
struct Element {
    prefix: String,
    name: String,
    attributes: Vec<(String, String)>,
    /// The text before the first child element.
    text: String,
    parent: usize,
    children: Vec<usize>,
}

impl Document {
    pub(super) fn text(&self, element: usize) -> &str {
        self.elements.get(element).map_or("", |e| e.text.as_str())
    }

    /// Returns the value of an attribute named with or without its prefix.
    pub(super) fn attribute(&self, element: usize, name: &str) -> Option<&str> {
        let matches = |full: &str| {
            full == name
                || (!name.contains(':') && full.split_once(':').is_some_and(|(_, local)| local == name))
        };
        let attributes = &self.elements.get(element)?.attributes;
        attributes
            .iter()
            .rfind(|(full, _)| matches(full))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn children(&self, element: usize) -> &[usize] {
        self.elements.get(element).map_or(&[], |e| e.children.as_slice())
    }

    pub(super) fn parent(&self, element: usize) -> usize {
        self.elements.get(element).map_or(0, |e| e.parent)
    }

    /// Tells whether the element has this name; one without prefix fits every prefix.
    pub(super) fn is_named(&self, element: usize, name: &str) -> bool {
        let Some(found) = self.elements.get(element) else {
            return false;
        };
        match name.split_once(':') {
            Some((prefix, local)) => found.name == local && found.prefix == prefix,
            None => found.name == name,
        }
    }
}

/// Reads a text; `None` when it is not well-formed.
pub(super) fn parse(text: &str) -> Option<Document> {
    let mut reader = Reader {
        elements: vec![Element::default()],
        open: vec![0],
    };
    let mut rest = text;
    while !rest.is_empty() {
        rest = reader.step(rest)?;
    }
    (reader.open.len() == 1).then_some(Document {
        elements: reader.elements,
    })
}

struct Reader {
    elements: Vec<Element>,
    /// The elements that are not closed yet, outermost first.
    open: Vec<usize>,
}

impl Reader {
    /// Reads one tag or run of text.
    fn step<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let Some(markup) = text.strip_prefix('<') else {
            let (chars, rest) = text.split_at(text.find('<').unwrap_or(text.len()));
            self.add_text(&unescape(chars)?);
            return Some(rest);
        };
        if let Some(comment) = markup.strip_prefix("!--") {
            return after(comment, "-->");
        }
        if let Some(data) = markup.strip_prefix("![CDATA[") {
            let (chars, rest) = data.split_once("]]>")?;
            self.add_text(chars);
            return Some(rest);
        }
        if markup.starts_with('?') {
            return after(markup, "?>");
        }
        if markup.starts_with('!') {
            return declaration(markup);
        }
        match markup.strip_prefix('/') {
            Some(end) => self.close(end),
            None => self.open(markup),
        }
    }

    fn current(&mut self) -> Option<&mut Element> {
        let index = *self.open.last()?;
        self.elements.get_mut(index)
    }

    fn add_text(&mut self, text: &str) {
        if let Some(element) = self.current().filter(|e| e.children.is_empty()) {
            element.text.push_str(&text.replace("\r\n", "\n"));
        }
    }

    fn close<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let (name, rest) = text.split_once('>')?;
        let (prefix, local) = split_name(name.trim_end());
        if self.open.len() < 2 {
            return None;
        }
        let closed = self.elements.get(self.open.pop()?)?;
        (closed.name == local && closed.prefix == prefix).then_some(rest)
    }

    fn open<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if self.open.len() > MAX_DEPTH {
            return None;
        }
        let (name, mut rest) = take_name(text)?;
        let (prefix, local) = split_name(name);
        let parent = *self.open.last()?;
        let mut element = Element {
            prefix: prefix.to_owned(),
            name: local.to_owned(),
            parent,
            ..Element::default()
        };
        let closed = loop {
            rest = rest.trim_start();
            if let Some(end) = rest.strip_prefix("/>") {
                rest = end;
                break true;
            }
            if let Some(end) = rest.strip_prefix('>') {
                rest = end;
                break false;
            }
            let (name, value) = take_name(rest)?;
            let value = value.trim_start().strip_prefix('=')?.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = value.get(1..)?.split_once(quote)?;
            element.attributes.push((name.to_owned(), unescape(value)?));
            rest = after;
        };
        let index = self.elements.len();
        self.elements.push(element);
        self.elements.get_mut(parent)?.children.push(index);
        if !closed {
            self.open.push(index);
        }
        Some(rest)
    }
}

fn after<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    text.split_once(end).map(|(_, rest)| rest)
}

/// Skips `<!DOCTYPE …>` with what may stand in brackets inside.
fn declaration(text: &str) -> Option<&str> {
    let mut depth = 1_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '<') => depth += 1,
            (None, '>') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(at + 1..);
        }
    }
    None
}

fn take_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=' | '<' | '"' | '\''))?;
    (end > 0).then(|| text.split_at(end))
}

fn split_name(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// Resolves the five entities and character references; any other is refused.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = entity.split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            name => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
