//! Every family by a table of calls; Go's verdicts where Go's function does the work.

use golang::duration::Duration;
use golang::time::Time;

use super::*;
use crate::Value;

/// Writes a result as Go's `%#v`-like text, an error with its message.
fn shown(result: Result<Value, crate::EvalError>) -> String {
    match result {
        Ok(value) => sprintf("%#v", &[value]),
        Err(error) => format!("! {error}"),
    }
}

fn check(name: &str, args: &[Value], expected: &str) {
    assert_eq!(shown(call(name, args)), expected, "{name}({args:?})");
}

fn s(text: &str) -> Value {
    Value::from(text)
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = functions().into_iter().map(|f| f.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn texts_are_split_and_joined() {
    let parts = r#"[]string{"a", "b", "c"}"#;
    check("Split", &[s("a,b,c"), s(",")], parts);
    check("split", &[s("abc"), s("")], parts);
    check(
        "SplitN",
        &[s("a,b,c"), s(","), Value::Int(2)],
        r#"[]string{"a", "b,c"}"#,
    );
    check("splitAfter", &[s("a,b"), s(",")], r#"[]string{"a,", "b"}"#);
    check("SplitN", &[s("a"), s(","), Value::Int(0)], "[]interface {}{}");
    check("Split", &[s(""), s(",")], r#"[]string{""}"#);
    check("Fields", &[s(" a  b ")], r#"[]string{"a", "b"}"#);
    check("Join", &[Value::texts(["a", "b"]), s("-")], r#""a-b""#);
    check("Get", &[Value::texts(["a"]), Value::Int(3)], r#""""#);
}

#[test]
fn globs_match_the_whole_text() {
    for (pattern, text, expected) in [
        ("*", "", "true"),
        ("a*c", "abbc", "true"),
        ("a*c", "abbd", "false"),
        ("*ab?", "xxabababc", "true"),
        ("?", "", "false"),
        ("A", "a", "false"),
        ("*\\powershell.exe*", "C:\\x\\powershell.exe -enc", "true"),
    ] {
        check("Match", &[s(pattern), s(text)], expected);
    }
}

#[test]
fn json_is_extracted_without_being_decoded() {
    let json =
        r#"{"a": {"b": [1, {"c": "x\"y\u00e9"}], "n": null, "t": true}, "e": "", "a.b": 5, "f": 1.50}"#;
    for (path, expected) in [
        ("a.b[1].c", r#""x\\\"y\\u00e9""#),
        ("a.b[0]", r#""1""#),
        ("a.b", r#""[1, {\"c\": \"x\\\"y\\u00e9\"}]""#),
        ("a.n", r#""null""#),
        ("a.t", r#""true""#),
        ("f", r#""1.50""#),
        ("e", r#""""#),
        ("nope.x", r#""""#),
        ("a.b[7]", r#""""#),
    ] {
        check("JsonExtract", &[s(json), s(path)], expected);
    }
    check(
        "JsonExtractUnescape",
        &[s(r#"{"c": "x\"y\u00e9"}"#), s("c")],
        "\"x\\\"yé\"",
    );
    check("JsonExtractUnescape", &[s(json), s("f")], r#""""#);
    check(
        "JsonExtractSlice",
        &[s(json), s("a.b")],
        r#"[]interface {}{1, map[string]interface {}{"c":"x\"yé"}}"#,
    );
    check(
        "JsonExtractObject",
        &[s(json), s("f")],
        "map[string]interface {}{}",
    );
    check(
        "ToJsonString",
        &[Value::texts(["<a>"])],
        r#""[\"\\u003ca\\u003e\"]""#,
    );
}

#[test]
fn addresses_in_ranges() {
    for (ip, range, expected) in [
        ("1.2.3.4", "1.2.3.0/24", "true"),
        ("::ffff:1.2.3.4", "1.2.3.0/24", "true"),
        ("1.2.3.4", "::ffff:1.2.3.0/120", "true"),
        ("1.2.4.4", "1.2.3.0/24", "false"),
        ("2001:db8::1", "2001:db8::/32", "true"),
        ("x", "1.2.3.0/24", "false"),
        ("1.2.3.4", "1.2.3.0", "false"),
        ("01.2.3.4", "1.2.3.0/24", "false"),
    ] {
        check("IpInRange", &[s(ip), s(range)], expected);
    }
    check(
        "IpToRange",
        &[s("2001:db8:1:2:3::4"), s("/64")],
        r#""2001:db8:1:2::/64""#,
    );
    check("IpToRange", &[s("1.2.3.4"), s("/40")], r#""""#);
    check("IsIPV6", &[s("::ffff:1.2.3.4")], "false");
    check("IsIPV4", &[s("::ffff:1.2.3.4")], "true");
    check("IsIP", &[s("a")], "false");
}

#[test]
fn queries_are_read_as_go_reads_them() {
    check(
        "ExtractQueryParam",
        &[s("/a?x=1&y=%20z&x=2&bad=%zz"), s("x")],
        r#"[]string{"1", "2"}"#,
    );
    check("ExtractQueryParam", &[s("/a?x=1"), s("y")], "[]interface {}{}");
    check(
        "ParseQuery",
        &[s("a=1&b&a=2;3")],
        r#"map[string]interface {}{"a":[]string{"1", "2;3"}, "b":[]string{""}}"#,
    );
    check(
        "ParseUri",
        &[s("http://h/p?a=b#c")],
        r#"map[string]interface {}{"a":[]string{"b"}}"#,
    );
}

#[test]
fn times_and_places() {
    let at = |seconds: i64| Value::time(Time::from_unix(seconds, 0));
    let times = Value::array(vec![at(60), at(0), at(70), at(200)]);
    assert_eq!(
        call("MedianInterval", std::slice::from_ref(&times)),
        Ok(Value::Duration(Duration::from_secs(60)))
    );
    assert_eq!(
        call("AverageInterval", &[times]),
        Ok(Value::Duration(Duration(66_666_666_666)))
    );
    check(
        "MedianInterval",
        &[Value::array(vec![at(1)])],
        "! need at least two times to calculate an average interval",
    );
    check("Distance", &[s("0"), s("0.0"), s("1"), s("2")], "0");
    check(
        "Distance",
        &[s(""), s("0"), s("1"), s("2")],
        "! strconv.ParseFloat: parsing \"\": invalid syntax",
    );
    let Ok(Value::Float(km)) = call("Distance", &[s("51.45"), s("1.15"), s("41.54"), s("12.27")]) else {
        panic!("a distance");
    };
    assert!((km - 1_389.179_311_829_306_7).abs() < 1e-9, "{km}");
    check("ParseUnix", &[s("1636434792.5")], r#""2021-11-09T05:13:12Z""#);
    check("ParseUnix", &[s("-3")], r#""""#);
}

#[test]
fn numbers_are_converted_and_summed_up() {
    check("int", &[s("+42")], "42");
    check("int", &[Value::Float(-2.9)], "-2");
    check("int", &[s("1.0")], "! invalid operation: int(1.0)");
    check("float", &[s("1e3")], "1000");
    check(
        "max",
        &[
            Value::Int(1),
            Value::Float(2.5),
            Value::array(vec![Value::Int(2)]),
        ],
        "2.5",
    );
    check("min", &[Value::array(vec![])], "<nil>");
    check(
        "median",
        &[Value::array(vec![Value::Int(4), Value::Int(1), Value::Int(3)])],
        "3",
    );
    check("mean", &[s("a")], "! invalid argument for mean (type string)");
    check("round", &[Value::Float(-2.5)], "-3");
    check("bitushr", &[Value::Int(-1), Value::Int(60)], "15");
    check(
        "bitshl",
        &[Value::Int(1), Value::Int(-1)],
        "! invalid operation: negative shift count -1 (type int)",
    );
}

#[test]
fn lists_are_flattened_sorted_and_made_unique() {
    let nested = Value::array(vec![
        Value::Int(1),
        Value::array(vec![Value::Int(2), Value::Int(1)]),
    ]);
    check(
        "flatten",
        std::slice::from_ref(&nested),
        "[]interface {}{1, 2, 1}",
    );
    check(
        "FlattenDistinct",
        &[nested, s("x")],
        r#"[]interface {}{1, 2, "x"}"#,
    );
    check(
        "Distinct",
        &[Value::texts(["b", "a", "b"])],
        r#"[]string{"b", "a"}"#,
    );
    check(
        "sort",
        &[Value::texts(["b", "a"]), s("desc")],
        r#"[]string{"b", "a"}"#,
    );
    check(
        "sort",
        &[Value::texts(["b"]), s("up")],
        "! invalid order up, expected asc or desc",
    );
    check(
        "uniq",
        &[Value::array(vec![Value::Int(1), Value::Float(1.0)])],
        "[]interface {}{1}",
    );
    check(
        "take",
        &[Value::texts(["a", "b"]), Value::Int(1)],
        r#"[]string{"a"}"#,
    );
    check("first", &[Value::array(vec![])], "<nil>");
}

#[test]
fn texts_repeat_within_the_budget_only() {
    check("repeat", &[s("ab"), Value::Int(2)], r#""abab""#);
    check(
        "repeat",
        &[s("ab"), Value::Int(600_000)],
        "! memory budget exceeded",
    );
    check(
        "repeat",
        &[s("ab"), Value::Int(-1)],
        "! invalid argument for repeat (expected positive integer, got -1)",
    );
}

#[test]
fn helpers_without_a_world_give_upstreams_defaults() {
    check("File", &[s("x.txt")], "[]interface {}{}");
    check("RegexpInFile", &[s("a"), s("x.txt")], "false");
    check("GetDecisionsCount", &[s("1.2.3.4")], "0");
    check("GetFromStash", &[s("c"), s("k")], r#""""#);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_helper_panic(
        text in r#"([<>/&;!\-\[\]a-c ='"\\{}:,0-9é?%@.*]|<a>|</a>|\{"a":|\[1,){0,30}"#,
        other in r#"[/a-c\[\]@='"0-9.*?é]{0,12}"#,
    ) {
        let args = [s(&text), s(&other), s("b")];
        for name in [
            "XMLGetNodeValue", "XMLGetAttributeValue", "JsonExtract", "JsonExtractLib", "JsonExtractSlice",
            "JsonExtractObject", "JsonExtractUnescape", "Match", "IpInRange", "IpToRange", "ParseUri", "ParseQuery",
            "ExtractQueryParam", "B64Decode", "PathUnescape", "Split", "Fields", "date", "duration", "fromJSON", "int",
            "float", "Sprintf", "ParseUnix", "replace", "Trim",
        ] {
            drop(call(name, &args));
            drop(call(name, &[args[1].clone(), args[0].clone(), args[2].clone()]));
        }
        drop(super::helper_kv::lax_pairs(&text));
        drop(super::helper_kv::strict_pairs(&text));
    }
}
