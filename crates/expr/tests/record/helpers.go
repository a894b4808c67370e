// Records what upstream's helpers (pkg/exprhelpers of v1.7.8) give on edge values, for
// crates/expr/tests/fixtures/helpers.json.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/crowdsecurity/crowdsec/pkg/exprhelpers"
	"github.com/crowdsecurity/crowdsec/pkg/pipeline"
	"github.com/expr-lang/expr"
	log "github.com/sirupsen/logrus"
)

func enc(v any) any {
	switch x := v.(type) {
	case nil:
		return nil
	case error:
		if reflect.ValueOf(x).IsNil() {
			return nil
		}
		return x.Error()
	case bool, string:
		return x
	case float64:
		return map[string]any{"f": fmt.Sprint(x)}
	case time.Duration:
		return map[string]any{"d": int64(x)}
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint8:
		return map[string]any{"i": r.Convert(reflect.TypeOf(int64(0))).Int()}
	case reflect.Slice, reflect.Array:
		out := []any{}
		for i := 0; i < r.Len(); i++ {
			out = append(out, enc(r.Index(i).Interface()))
		}
		return out
	case reflect.Map:
		out := []any{}
		for _, k := range r.MapKeys() {
			out = append(out, []any{enc(k.Interface()), enc(r.MapIndex(k).Interface())})
		}
		return map[string]any{"m": out}
	}
	return fmt.Sprintf("?%T", v)
}

func q(s string) string { b, _ := json.Marshal(s); return string(b) }

func main() {
	log.SetOutput(io.Discard)
	if err := exprhelpers.Init(nil); err != nil {
		panic(err)
	}
	var es []string
	add := func(f string, a ...any) { es = append(es, fmt.Sprintf(f, a...)) }
	for _, p := range []string{"", "*", "**", "?", "a*", "*a", "a*b", "a?c", "*a*b*", "a**", "??", "é?", "?é", "*.exe", "A*"} {
		for _, s := range []string{"", "a", "ab", "abc", "aXXb", "abab", "é", "éa", "x.exe", "aé"} {
			add("Match(%s, %s)", q(p), q(s))
		}
	}
	js := `{"a": {"b": [1, {"c": "x\"y\u00e9\n", "d": [[1,2],[3]]}, null, true, 1.50, -3e2], "n": null, "e": "", "o": {}, "l": []}, "a.b": 5, "k\"q": 7, "dup": 1, "dup": 2, "sp ace" : "z", "u": "\u0041"}`
	paths := []string{"", "a", "a.b", "a.b[0]", "a.b[1].c", "a.b[1].d[0][1]", "a.b[1].d[1]", "a.b[2]", "a.b[3]", "a.b[4]", "a.b[5]", "a.b[9]", "a.b[-1]", "a.n", "a.e", "a.o", "a.l", "a.b.c", "a.nope", "nope", "dup", "sp ace", "u", "k\"q", ".a", "a.", "[0]", "[0].x", "a.b[x]", "a.b[]", "a..b", "[1]", "[0][1]", "[2].a"}
	texts := []string{js, `[1, "two", {"x": [3]}]`, `[[1,2],[3,4],{"a":"b"}]`, ``, `{`, `{"a": }`, `{"a": 1`, `nope`, `"str"`, `{"a" : "b" , "c":[ 1 , 2 ]}`, `{"a": "unterminated`, `  {"a":  "padded"  }  `, `{"a":{"b":"c"}}garbage`, `{'a': 1}`, `{"a":tru}`, `null`, `{"x":{"a":1},"a":2}`}
	for i, t := range texts {
		for _, p := range paths {
			if i > 0 && len(p) > 6 {
				continue
			}
			add("JsonExtract(%s, %s)", q(t), q(p))
			add("JsonExtractSlice(%s, %s)", q(t), q(p))
			add("JsonExtractObject(%s, %s)", q(t), q(p))
		}
		add("JsonExtractUnescape(%s, \"a\")", q(t))
		add("JsonExtractUnescape(%s, \"a\", \"b\", \"[1]\", \"c\")", q(t))
		add("JsonExtractUnescape(%s, \"u\")", q(t))
		add("JsonExtractLib(%s, \"a\", \"b\")", q(t))
		add("JsonExtractLib(%s, \"a\")", q(t))
		add("[UnmarshalJSON(%s, evt.Unmarshaled, \"k\"), evt.Unmarshaled.k]", q(t))
		add("ToJsonString(%s)", q(t))
	}
	for _, kv := range []string{"", "a=b", "a=b c=d", `a="b c" d=e`, `a="b \" c" d=`, "a=", "a= b=c", "=x", "a==b", "a=b=c", "x y=z w", `k="unterminated`, "a=1,b=2", "msg=hello world next=2", `msg="x=y" z=1`, "a=b\tc=d", "a=b\nc=d", "é=ü", `a='b c' d=e`, `CEF:0|V|P|1|id|name|5|src=1.2.3.4 msg=Some text with spaces act=blocked`, "a=b c", "a b c=d e f=g", `a="" b=c`, `a=b"c d=e`, "a =b", "1=2 3=4", "a.b=c-d_e/f", "a=b a=c", `a=\"x\" b=y`, `path=/x?y=z q=1`, "no pairs here", `a="b"c=d`, `a=x "q=w" b=1`} {
		add("[ParseKV(%s, evt.Unmarshaled, \"k\"), evt.Unmarshaled.k]", q(kv))
		add("[ParseKVLax(%s, evt.Unmarshaled, \"k\"), evt.Unmarshaled.k]", q(kv))
	}
	add("[ParseKV(\"a=1\", evt.Unmarshaled, \"k\"), ParseKV(\"b=2 a=3\", evt.Unmarshaled, \"k\"), evt.Unmarshaled.k]")
	add("[UnmarshalJSON(\"1\", evt.Unmarshaled, \"k\"), ParseKV(\"b=2 a=3\", evt.Unmarshaled, \"k\"), evt.Unmarshaled.k]")
	xmls := []string{`<a><b n="1">x</b><b n='2'>y<c>z</c>t</b></a>`, `- <a> <b/> text</a>`, `<?xml version="1.0"?><!DOCTYPE a><a xmlns="u" x:y="z"><p:b p:n="v">q</p:b></a>`, `<a>&lt;&amp;&#65;&#x42;</a>`, `<a>&nope;</a>`, `<a><b></a>`, `<a`, ``, `text`, `<a><![CDATA[<x>]]>y</a>`, `<a>x<!-- c -->y<b/>z</a>`, `<a>1</a><a>2</a>`, `<a b=c>1</a>`, `<a>` + "\r\n x \r\n" + `</a>`, `<a><b><c>1</c></b><b><c>2</c></b></a>`, `<a b="x" b="y">1</a>`, `<A>1</A>`, `<a  b = "x &quot; y" >1</a >`}
	xpaths := []string{"/a", "a", "/a/b", "//b", "/a/b[1]", "/a/b[2]", "/a/b[-1]", "/a/b[@n='2']", "/a/b[@n=\"1\"]", "/a/b[@n]", "/a/b/c", "//c", "/a/*", "/a/b[c='z']", "/a/b[c]", "/a/b[text()='x']", "/a/p:b", "/a/b/..", "/", "", "//", "/a/", "/a/b[", "/a/b[0]", "/a/b[3]", "./a", "/*/b", "a/b", "//b[2]", "/a/b[2]/c", "/b", "/a/b[@n='1' ]", "//b[@n='2']/c", "/a/b[c='2']/c", "/a[1]/b[1]", "/A"}
	for i, x := range xmls {
		for _, p := range xpaths {
			if i > 2 && i != 14 && len(p) > 7 {
				continue
			}
			add("XMLGetNodeValue(%s, %s)", q(x), q(p))
			if len(p) < 9 {
				add("XMLGetAttributeValue(%s, %s, \"n\")", q(x), q(p))
			}
		}
		add("XMLGetAttributeValue(%s, \"/a\", \"b\")", q(x))
		add("XMLGetAttributeValue(%s, \"/a\", \"x:y\")", q(x))
		add("XMLGetAttributeValue(%s, \"/a\", \"y\")", q(x))
		add("XMLGetAttributeValue(%s, \"/a\", \"xmlns\")", q(x))
	}
	ips := []string{"1.2.3.4", "01.2.3.4", "1.2.3", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "2001:db8::1", "", "x", "1.2.3.4/24", " 1.2.3.4", "256.1.1.1", "2001:DB8::A"}
	for _, ip := range ips {
		for _, r := range []string{"1.2.3.0/24", "1.2.3.4/32", "1.2.3.9/24", "0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:1.2.3.0/120", "1.2.3.4", "", "x/8", "1.2.3.0/33"} {
			add("IpInRange(%s, %s)", q(ip), q(r))
		}
		for _, r := range []string{"/24", "24", "/64", "/128", "/0", "/129", "/x", "", "/", "/-1", "/ 8", "//8"} {
			add("IpToRange(%s, %s)", q(ip), q(r))
		}
		add("IsIP(%s)", q(ip))
		add("IsIPV4(%s)", q(ip))
		add("IsIPV6(%s)", q(ip))
	}
	for _, s := range []string{"", "a%20b", "%zz", "a+b", "%", "/x%2fy?z=%26", "é%ff", "%2525"} {
		add("PathUnescape(%s)", q(s))
		add("QueryUnescape(%s)", q(s))
		add("PathEscape(%s)", q(s))
		add("QueryEscape(%s)", q(s))
		add("B64Decode(%s)", q(s))
		add("Atof(%s)", q(s))
		add("ToString(%s)", q(s))
	}
	for _, s := range []string{"aGVsbG8=", "aGVsbG8", "aGVsbG8=\n", "aGVs bG8=", "!!!", "////"} {
		add("B64Decode(%s)", q(s))
	}
	for _, u := range []string{"/a?x=1&y=2&x=3", "http://h:80/p?x=%20a&b", "/a", "", "?x=1", "/a?x=%zz", "/a?x=1;y=2", "::bad", "http://[::1/x", "/%zz?x=1", "mailto:x?y=1", "/a?x=1#f?x=2", "/a?=1", "/a?x", "//h/p?q=1", "1a:b?x=1", "/a b?x=c d", "/a?x=1&&y=2", "/a?x=a=b", "?", "%?x=1", "http://u:p@h/x?x=9", "/a?x=\x01"} {
		add("ParseUri(%s)", q(u))
		add("ParseQuery(%s)", q(strings.TrimPrefix(u, "/a?")))
		add("ExtractQueryParam(%s, \"x\")", q(u))
	}
	for _, s := range []string{"1636434792", "1636434792.123", "0", "-1", "abc", "", "1e9", "99999999999", "1636434792.", " 1"} {
		add("ParseUnix(%s)", q(s))
	}
	for _, d := range []string{`"51.45","1.15","41.54","12.27"`, `"0","0","1","1"`, `"1","1","0.0","0"`, `"lol","1","2","3"`, `"","","",""`, `"91","181","-91","-181"`, `"1","2","1","2"`, `"0","1","0","2"`} {
		add("Distance(%s)", d)
	}
	for _, l := range []string{`[]`, `["a","b","a"]`, `[1,1.0,"1",1]`, `[[1,2],[2,[3]]]`, `["a",["a",["b"]]]`, `nil`} {
		add("Flatten(%s)", l)
		add("Distinct(%s)", l)
		add("FlattenDistinct(%s)", l)
		add("ToJsonString(%s)", l)
	}
	add(`Flatten([1],[2,[3]],4)`)
	add(`FlattenDistinct("a",["a","b"])`)
	for _, s := range []string{"", "a,b,,c", " a  b ", "abcabc", "é,è"} {
		for _, x := range []string{"", ",", "b", "ab", " "} {
			for _, f := range []string{"Split", "SplitAfter", "Trim", "TrimLeft", "TrimRight", "TrimPrefix", "TrimSuffix", "Index", "IndexAny"} {
				add("%s(%s, %s)", f, q(s), q(x))
			}
			for _, n := range []int{-1, 0, 1, 2} {
				add("SplitN(%s, %s, %d)", q(s), q(x), n)
				add("SplitAfterN(%s, %s, %d)", q(s), q(x), n)
				add("Replace(%s, %s, \"#\", %d)", q(s), q(x), n)
			}
			add("ReplaceAll(%s, %s, \"<>\")", q(s), q(x))
		}
		add("Fields(%s)", q(s))
		add("TrimSpace(%s)", q(s))
		add("Upper(%s)", q(s))
		add("Lower(%s)", q(s))
		add("Join(Split(%s, \",\"), \"+\")", q(s))
		for _, n := range []int{-1, 0, 1, 9} {
			add("Get(Split(%s, \",\"), %d)", q(s), n)
		}
	}
	for _, e := range []string{`Sprintf("%v %v", 1, "a")`, `Sprintf("%d", "a")`, `Sprintf("%v", [1,2])`, `Sprintf("%+v", {"a":1})`, `Sprintf("%v", 1e10)`, `Sprintf("%s")`, `Sprintf("x", 1)`, `Sprintf("%v", nil)`, `Sprintf("%.2f", 1.005)`, `Sprintf("%q", "a\"b")`, `ToString(1)`, `ToString(nil)`, `KeyExists("a", {"a": 1})`, `KeyExists("b", {"a": 1})`, `FloatApproxEqual(1.0, 1.0000001)`, `FloatApproxEqual(1.0, 1.1)`, `LogInfo("x %v", 1)`, `ToJsonString({"a": [1, 2.5, nil, true], "b": "<&>"})`, `ToJsonString(1.0)`, `File("nope")`, `RegexpInFile("a", "nope")`, `LookupFile("a", "nope")`, `FileMap("nope")`, `GetFromStash("nope", "k")`, `IsIP(nil)`, `IsIPV4(1)`, `IsIPV6(nil)`, `MedianInterval([])`, `AverageInterval([now()])`, `JA4H(nil)`, `Upper(nil)`, `Atof("1e3")`, `Atof(" 1")`, `GetDecisionsCount("1.2.3.4")`, `GetActiveDecisionsTimeLeft("1.2.3.4")`, `LookupHost("")`, `MedianInterval([date("2020-01-01"), date("2020-01-04"), date("2020-01-02"), date("2020-01-09")])`, `AverageInterval([date("2020-01-01"), date("2020-01-04"), date("2020-01-02"), date("2020-01-09")])`, `MedianInterval([date("2020-01-01"), date("2020-01-04")])`, `MedianInterval([1, 2])`} {
		es = append(es, e)
	}
	fmt.Print("[\n")
	for i, e := range es {
		row := map[string]any{"e": e}
		func() {
			evt := &pipeline.Event{Unmarshaled: map[string]any{}, Parsed: map[string]string{}, Meta: map[string]string{}, Enriched: map[string]string{}}
			env := map[string]any{"evt": evt}
			defer func() {
				if r := recover(); r != nil {
					row["v"] = []any{map[string]any{"e": fmt.Sprint(r)}}
				}
			}()
			p, err := expr.Compile(e, exprhelpers.GetExprOptions(env)...)
			if err != nil {
				row["c"] = strings.SplitN(err.Error(), "\n", 2)[0]
				return
			}
			out, err := expr.Run(p, env)
			if err != nil {
				row["v"] = []any{map[string]any{"e": strings.SplitN(err.Error(), "\n", 2)[0]}}
				return
			}
			row["v"] = []any{enc(out)}
		}()
		b, _ := json.Marshal(row)
		if i > 0 {
			fmt.Print(",\n")
		}
		os.Stdout.Write(b)
	}
	fmt.Print("\n]\n")
}
