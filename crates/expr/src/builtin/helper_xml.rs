//! Helpers on XML texts: `XMLGetNodeValue`, `XMLGetAttributeValue`.
//!
//! Anything that goes wrong gives the empty text, as upstream. The last documents are kept parsed per thread,
//! because one event asks for many values of one text.
//! Upstream: `pkg/exprhelpers/xml.go`.

mod document;
mod path;

use std::cell::RefCell;
use std::rc::Rc;

use self::document::Document;
use super::text::owned;
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::{Text, Value};

/// Documents kept parsed; one event rarely has more than one.
const KEPT: usize = 4;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::pure(
            "XMLGetNodeValue",
            Signature::fixed([Type::String, Type::String], Type::String),
            |call| found(call, |document, element| Some(document.text(element).to_owned())),
        ),
        Function::pure(
            "XMLGetAttributeValue",
            Signature::fixed([Type::String, Type::String, Type::String], Type::String),
            |call| {
                let name = call.text(2)?;
                found(call, |document, element| {
                    document.attribute(element, name).map(str::to_owned)
                })
            },
        ),
    ]
}

fn found(call: &Call<'_>, read: impl Fn(&Document, usize) -> Option<String>) -> Result<Value, EvalError> {
    let Value::Str(text) = call.arg(0) else {
        return Err(EvalError::new("the XML is no text"));
    };
    let path = call.text(1)?;
    let value = parsed(text).and_then(|document| read(&document, path::first(&document, path)?));
    Ok(owned(value.unwrap_or_default()))
}

/// Returns the parsed text; `None` when it is not well-formed.
fn parsed(text: &Text) -> Option<Rc<Document>> {
    thread_local! {
        static CACHE: RefCell<Vec<(Text, Option<Rc<Document>>)>> = const { RefCell::new(Vec::new()) };
    }
    CACHE.with_borrow_mut(|cache| {
        if let Some((_, document)) = cache.iter().find(|(known, _)| known == text) {
            return document.clone();
        }
        let document = document::parse(text).map(Rc::new);
        if cache.len() >= KEPT {
            cache.remove(0);
        }
        cache.push((text.clone(), document.clone()));
        document
    })
}

#[cfg(test)]
mod tests {
    use crate::Value;
    use crate::builtin::call;

    const EVENT: &str = "- <?xml version='1.0'?><Event xmlns='http://x'>\n- <System><Provider Name='P&amp;Q' Guid=\"{1}\"/>\
        <EventID Qualifiers=''>4625</EventID></System><EventData><Data Name='A'>a &lt; b&#x41;</Data><!-- c -->\
        <Data Name=\"B\"><![CDATA[<raw>]]> tail<i/>more</Data><p:Data Name='C'>pre</p:Data></EventData></Event>";

    fn check(path: &str, expected: &str) {
        let value = call("XMLGetNodeValue", &[Value::from(EVENT), Value::from(path)]);
        assert_eq!(value, Ok(Value::from(expected)), "for {path}");
    }

    #[test]
    fn paths_find_the_first_element() {
        for (path, expected) in [
            ("/Event/System[1]/EventID", "4625"),
            ("/Event/System/EventID[@Qualifiers='']", "4625"),
            ("/Event/EventData[1]/Data[@Name='A']", "a < bA"),
            ("/Event/EventData/Data[@Name='B']", "<raw> tail"),
            ("/Event/EventData/Data[@Name=\"C\"]", "pre"),
            ("/Event/EventData/Data[2]", "<raw> tail"),
            ("/Event/EventData/Data[-1]", "pre"),
            ("//Data[@Name='A']", "a < bA"),
            ("//p:Data", "pre"),
            ("Event/*/EventID", "4625"),
            ("/Event/System[EventID='4625']/EventID", "4625"),
            ("/Event/EventData/Data[text()='pre']", "pre"),
            ("/Event/System/EventID/../EventID", "4625"),
            ("/Event/Nothing", ""),
            ("/Event/EventData[2]/Data", ""),
            ("/Event/[", ""),
        ] {
            check(path, expected);
        }
    }

    #[test]
    fn attributes_are_unescaped_and_absent_ones_empty() {
        let ask = |path: &str, name: &str| {
            call(
                "XMLGetAttributeValue",
                &[Value::from(EVENT), Value::from(path), Value::from(name)],
            )
        };
        assert_eq!(ask("/Event/System/Provider", "Name"), Ok(Value::from("P&Q")));
        assert_eq!(ask("/Event/System/Provider", "Nope"), Ok(Value::from("")));
    }

    #[test]
    fn what_is_not_well_formed_reads_as_empty() {
        let deep = "<a>".repeat(100_000);
        for text in [
            "<a><b></a>",
            "<a>&nope;</a>",
            "<a",
            "<a b=c>1</a>",
            "<a>1",
            "",
            &deep,
        ] {
            let value = call("XMLGetNodeValue", &[Value::from(text), Value::from("/a")]);
            assert_eq!(
                value,
                Ok(Value::from("")),
                "for {}",
                text.get(..9.min(text.len())).unwrap_or_default()
            );
        }
    }
}
