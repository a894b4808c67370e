//! What holds for every expression: no panic, bounded work, nothing evaluated behind its guard, one node for equals.

use expr::{EvalError, Function, Library, Memo, Signature, Type, Value};
use proptest::prelude::*;

use crate::event::{self, Event, evt};

fn sample() -> Event {
    let events: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../fixtures/events.json")).expect("JSON");
    Event::of_json(&events[0])
}

fn evaluate(source: &str) -> Result<Value, String> {
    let objects = event::objects();
    let scheme = event::scheme(&objects);
    let mut library = Library::new(&objects);
    let id = library
        .compile(source, &scheme, &Type::Any)
        .map_err(|error| error.to_string())?;
    library
        .eval(id, &mut sample(), &mut Memo::new(&library))
        .map_err(|error| error.to_string())
}

const LEAVES: &[&str] = &[
    "1",
    "-3",
    "0",
    "2.5",
    "9223372036854775807",
    "\"a\"",
    "\"é\"",
    "nil",
    "true",
    "[]",
    "[1, \"a\", nil]",
    "{}",
    "evt",
    "evt.Count",
    "evt.Ratio",
    "evt.Parsed",
    "evt.Parsed.a",
    "evt.Parsed.none",
    "evt.Line.Raw",
    "evt.Time",
    "evt.Unmarshaled",
    "evt.Unmarshaled.n",
    "evt.Unmarshaled.s",
    "evt.Unmarshaled.none",
    "evt.Unmarshaled.list",
    "evt.Unmarshaled.map",
    "evt.Alert",
    "evt.Alert.Events",
    "evt.Names",
    "b\"x\"",
];

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "==",
    "!=",
    "<",
    ">=",
    "in",
    "not in",
    "contains",
    "startsWith",
    "matches",
    "&&",
    "||",
    "..",
    "??",
];

const CLOSURES: &[&str] = &[
    "all",
    "any",
    "none",
    "one",
    "filter",
    "map",
    "count",
    "sum",
    "find",
    "findLast",
    "findIndex",
    "groupBy",
    "sortBy",
    "reduce",
];

const FUNCTIONS: &[&str] = &[
    "abs",
    "bitand",
    "bitnot",
    "bitshl",
    "bitshr",
    "bitushr",
    "ceil",
    "concat",
    "date",
    "duration",
    "first",
    "flatten",
    "float",
    "floor",
    "fromBase64",
    "fromJSON",
    "fromPairs",
    "get",
    "hasPrefix",
    "indexOf",
    "int",
    "join",
    "keys",
    "last",
    "lastIndexOf",
    "len",
    "max",
    "mean",
    "median",
    "min",
    "repeat",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "splitAfter",
    "string",
    "sum",
    "take",
    "timezone",
    "toBase64",
    "toJSON",
    "toPairs",
    "trim",
    "trimPrefix",
    "type",
    "uniq",
    "upper",
    "values",
    "Atof",
    "AverageInterval",
    "B64Decode",
    "Distance",
    "Distinct",
    "ExtractQueryParam",
    "Fields",
    "Flatten",
    "FloatApproxEqual",
    "Index",
    "IpInRange",
    "IpToRange",
    "Join",
    "JsonExtract",
    "KeyExists",
    "Match",
    "MedianInterval",
    "ParseUnix",
    "PathUnescape",
    "Replace",
    "Split",
    "SplitN",
    "Sprintf",
    "ToString",
    "Trim",
    "UnmarshalJSON",
];

const BODIES: &[&str] = &[
    "#",
    "# == 1",
    "# > 0",
    "# + #",
    "true",
    "#?.x",
    "{let y = #; y}",
    "[#]",
];

fn operand() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operator = prop::sample::select(OPERATORS);
        let closure = prop::sample::select(CLOSURES);
        let body = prop::sample::select(BODIES);
        prop_oneof![
            (two.clone(), operator).prop_map(|((a, b), op)| format!("(({a}) {op} ({b}))")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("(({c}) ? ({a}) : ({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a})[{b}]")),
            two.clone().prop_map(|(a, b)| format!("({a})[{b}:]")),
            two.clone().prop_map(|(a, b)| format!("({a})?.[{b}]")),
            (inner.clone(), closure, body).prop_map(|(list, name, body)| format!("{name}({list}, {body})")),
            (
                prop::sample::select(FUNCTIONS),
                prop::collection::vec(inner.clone(), 1..4)
            )
                .prop_map(|(name, args)| format!("{name}({})", args.join(", "))),
            two.prop_map(|(a, b)| format!("(let x = ({a}); [x, {b}])")),
            inner.clone().prop_map(|a| format!("(not ({a}))")),
            inner.clone().prop_map(|a| format!("(-({a}))")),
            inner.prop_map(|a| format!("[{a}]")),
        ]
    })
}

proptest! {
    #[test]
    fn no_expression_makes_the_evaluator_panic(source in operand()) {
        let first = evaluate(&source).map(|value| format!("{value:?}"));
        let second = evaluate(&source).map(|value| format!("{value:?}"));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn a_shared_library_gives_what_a_library_of_its_own_gives(
        sources in prop::collection::vec(operand(), 2..12),
    ) {
        let objects = event::objects();
        let scheme = event::scheme(&objects);
        let mut library = Library::new(&objects);
        let ids: Vec<_> = sources.iter().map(|source| library.compile(source, &scheme, &Type::Any).ok()).collect();
        let mut memo = Memo::new(&library);
        let mut event = sample();
        for (source, id) in sources.iter().zip(ids) {
            let alone = evaluate(source).map(|value| format!("{value:?}"));
            if let Some(id) = id {
                let shared = library.eval(id, &mut event, &mut memo).map_err(|error| error.to_string());
                prop_assert_eq!(shared.map(|value| format!("{value:?}")), alone, "{}", source);
            }
        }
    }
}

#[test]
fn equal_parts_of_different_expressions_are_one_node() {
    let objects = event::objects();
    let scheme = event::scheme(&objects);
    let mut library = Library::new(&objects);
    let mut compile = |source: &str| library.compile(source, &scheme, &Type::Any).expect("compiles");
    let one = compile("any(evt.Names, {# contains evt.Parsed.a}) && evt.Count > 1");
    assert_eq!(
        one,
        compile("any( evt.Names, # contains evt.Parsed['a'] ) and evt.Count>1")
    );
    let two = compile("any(evt.Names, {# contains evt.Parsed.a}) && evt.Count > 2");
    assert_ne!(one, two);
    // Eleven nodes for the first; the second adds the constant, the comparison and the conjunction.
    assert_eq!(library.len(), 14);
}

#[test]
fn what_stands_behind_a_guard_does_not_run() {
    let cases = [
        (
            "evt.Parsed.none != \"\" && evt.Unmarshaled.none.x == 1",
            Value::Bool(false),
        ),
        (
            "evt.Parsed.a == \"alpha\" || evt.Unmarshaled.none.x == 1",
            Value::Bool(true),
        ),
        ("evt.Count > 1 ? 1 : evt.Unmarshaled.none.x", Value::Int(1)),
        ("evt.Unmarshaled.n ?? evt.Unmarshaled.none.x", Value::Float(7.0)),
        ("evt.Unmarshaled.none?.x[evt.Unmarshaled.none.y]", Value::Nil),
    ];
    for (source, expected) in &cases[..4] {
        assert_eq!(evaluate(source).as_ref(), Ok(expected), "{source}");
    }
    // A bracket after `?.x` is outside the chain, as upstream has it.
    assert!(evaluate(cases[4].0).is_err());
}

#[test]
fn work_is_bounded() {
    let check = |source: &str, error: EvalError| {
        assert_eq!(evaluate(source), Err(error.to_string()), "{source}");
    };
    check("map(1..400, {let x = #; map(1..400, # + x)})", EvalError::Loops);
    check("1..9223372036854775807", EvalError::Memory);
    check("1..1000000", EvalError::Memory);
    check("count(1..200000, true) > 500000", EvalError::Loops);
    assert!(evaluate("count(1..99999, true)").is_ok());
    let deep = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert!(evaluate(&deep).expect_err("too deep").contains("200 levels"));
    let nested = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    assert!(evaluate(&nested).is_ok());
    let sum = vec!["1"; 300].join(" + ");
    assert!(evaluate(&sum).expect_err("too deep").contains("200 levels"));
    let chain = vec!["evt.Count == 3"; 1_500].join(" && ");
    assert_eq!(evaluate(&chain), Ok(Value::Bool(true)));
    assert!(
        evaluate(&vec!["evt.Count == 3"; 3_000].join(" && "))
            .expect_err("long")
            .contains("nodes")
    );
    assert!(
        evaluate(&" ".repeat(70_000))
            .expect_err("long")
            .contains("65536 bytes")
    );
}

#[test]
fn a_pure_part_shared_by_filters_runs_once_an_event_and_again_after_a_write() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let objects = event::objects();
    let slow = Function::pure("Slow", Signature::fixed([Type::String], Type::String), |call| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        Ok(call.arg(0).clone())
    });
    let scheme = event::scheme(&objects).with_functions([slow]);
    let mut library = Library::new(&objects);
    let mut compile = |source: &str| library.compile(source, &scheme, &Type::Any).expect("compiles");
    let filters = [
        compile("Slow(evt.Meta.service) == \"http\""),
        compile("evt.Count > 100 && Slow(evt.Meta.service) == \"x\""),
        compile("Slow(evt.Meta.service) contains \"ht\""),
        compile("evt.SetMeta(\"k\", \"v\")"),
        compile("Slow(evt.Meta.service) endsWith \"tp\""),
    ];
    let mut event = sample();
    let mut memo = Memo::new(&library);
    let mut run = |index: usize, memo: &mut Memo| {
        library.eval(filters[index], &mut event, memo).expect("evaluates");
        CALLS.load(Ordering::Relaxed)
    };
    assert_eq!(run(1, &mut memo), 0, "behind its guard");
    assert_eq!(run(0, &mut memo), 1);
    assert_eq!(run(2, &mut memo), 1, "remembered");
    assert_eq!(run(3, &mut memo), 1);
    assert_eq!(run(4, &mut memo), 2, "a write of evt.Meta came between");
    memo.invalidate(evt::PARSED);
    assert_eq!(run(2, &mut memo), 2, "another field");
    memo.invalidate(evt::META);
    assert_eq!(run(2, &mut memo), 3);
    memo.clear();
    assert_eq!(run(0, &mut memo), 4, "another event");
}

#[test]
fn errors_name_the_place_as_upstream_does() {
    let check = |source: &str, expected: &str| {
        assert_eq!(evaluate(source).expect_err("refused"), expected);
    };
    check("foo", "unknown name foo (1:1)\n | foo\n | ^");
    check(
        "1 + evt.Nope",
        "type main.Event has no field Nope (1:9)\n | 1 + evt.Nope\n | ........^",
    );
    check("evt.Count ==\n\tx", "unknown name x (2:2)\n |  x\n | .^");
    let objects = event::objects();
    let scheme = event::scheme(&objects).with_functions([Function::missing("LibInjectionIsSQLI")]);
    let mut library = Library::new(&objects);
    let error = library
        .compile("LibInjectionIsSQLI(evt.Parsed.a)", &scheme, &Type::Bool)
        .expect_err("refused");
    assert_eq!(
        error.message,
        "helper LibInjectionIsSQLI is known but not implemented in this version"
    );
    let error = library
        .compile("evt.Count", &scheme, &Type::Bool)
        .expect_err("refused");
    assert_eq!(error.to_string(), "expected bool, but got int");
}
