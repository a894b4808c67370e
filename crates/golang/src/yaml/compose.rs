//! Builds trees from the parser's events, under a budget.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::error::Problem;
use super::node::{Document, Entry, Kind, Node};

/// Nesting beyond this is refused: no file of ours comes near, and every level costs stack.
const MAX_DEPTH: usize = 200;
/// Nodes of a document with aliases expanded beyond which it is refused.
const MAX_WEIGHT: u64 = 4_000_000;

/// Reads one stream, document by document.
pub(super) struct Composer<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Arc<Node>>,
    /// Nodes that came out of aliases in the current document.
    aliased: u64,
    read: usize,
}

impl<'t> Composer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = granit_parser::options! {
            block_scalar_eof_without_line_feed: true,
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        Self {
            parser,
            anchors: HashMap::new(),
            aliased: 0,
            read: 0,
        }
    }

    pub(super) fn all(mut self) -> Result<Vec<Document>, Problem> {
        let mut documents = Vec::new();
        while let Some(document) = self.next_document()? {
            documents.push(document);
        }
        Ok(documents)
    }

    /// Reads up to the end of the next document.
    pub(super) fn next_document(&mut self) -> Result<Option<Document>, Problem> {
        loop {
            let Some((event, span)) = self.next()? else {
                return Ok(None);
            };
            match event {
                Event::DocumentStart(explicit, _) => {
                    if !explicit && self.read > 0 {
                        return Err(at(span, "did not find expected <document start>"));
                    }
                    self.read += 1;
                    self.anchors.clear();
                    self.aliased = 0;
                    let node = self.node(0)?;
                    self.check_weight(&node)?;
                    return Ok(Some(Document {
                        node,
                        line: span.start.line(),
                    }));
                }
                Event::StreamEnd => return Ok(None),
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Problem> {
        self.parser
            .next_event()
            .transpose()
            .map_err(|error| scan_problem(&error))
    }

    /// Reads one node with all that is below it.
    fn node(&mut self, depth: usize) -> Result<Arc<Node>, Problem> {
        let Some((event, span)) = self.next()? else {
            return Ok(Arc::new(Node::null(1, 1)));
        };
        self.node_from(event, span, depth)
    }

    fn node_from(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Arc<Node>, Problem> {
        if depth > MAX_DEPTH {
            return Err(at(span, &format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let (line, column) = place(span);
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (
                Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                },
                anchor,
                tag,
            ),
            Event::SequenceStart(_, anchor, tag) => (Kind::Sequence(self.sequence(depth)?), anchor, tag),
            Event::MappingStart(_, anchor, tag) => (Kind::Mapping(self.mapping(depth)?), anchor, tag),
            Event::Alias(id) => return self.alias(id, span),
            Event::DocumentEnd | Event::StreamEnd => return Ok(Arc::new(Node::null(line, column))),
            _ => return Err(at(span, "unexpected content")),
        };
        let below: u64 = match &kind {
            Kind::Scalar { .. } => 0,
            Kind::Sequence(items) => items.iter().map(|n| n.weight).fold(0, u64::saturating_add),
            Kind::Mapping(entries) => entries
                .iter()
                .map(|(k, v)| k.weight.saturating_add(v.weight))
                .fold(0, u64::saturating_add),
        };
        let tag = tag.map(|tag| tag_text(&tag));
        let node = Arc::new(Node {
            kind,
            tag,
            line,
            column,
            weight: below.saturating_add(1),
        });
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Arc<Node>>, Problem> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node_from(event, span, depth + 1)?);
        }
        Ok(items)
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<Entry>, Problem> {
        let mut entries = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node_from(event, span, depth + 1)?;
            entries.push((key, self.node(depth + 1)?));
        }
        Ok(entries)
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Arc<Node>, Problem> {
        // an anchor is known from the end of its node on: before, the alias stands inside of it
        let node = self
            .anchors
            .get(&id)
            .cloned()
            .ok_or_else(|| at(span, "an anchor's value contains itself"))?;
        self.aliased = self.aliased.saturating_add(node.weight);
        Ok(node)
    }

    /// Refuses what Go calls excessive aliasing: nearly all of a large document comes out of aliases.
    fn check_weight(&self, node: &Node) -> Result<(), Problem> {
        let excessive = node.weight > 1000 && self.aliased > 100 && self.aliased / 99 > node.weight / 100;
        if excessive || node.weight > MAX_WEIGHT {
            return Err(Problem::new(
                node.line,
                node.column,
                "document contains excessive aliasing",
            ));
        }
        Ok(())
    }
}

fn place(span: Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

fn at(span: Span, message: &str) -> Problem {
    let (line, column) = place(span);
    Problem::new(line, column, message)
}

fn scan_problem(error: &ScanError) -> Problem {
    Problem::new(error.marker().line(), error.marker().col() + 1, error.info())
}

/// Returns `!!str` for a core tag, `!name` for an own one.
fn tag_text(tag: &Tag) -> String {
    if let Some(name) = tag.core_suffix() {
        return format!("!!{name}");
    }
    format!("{}{}", tag.handle(), tag.suffix())
}
