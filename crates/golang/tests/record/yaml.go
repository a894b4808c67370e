// Records what yaml.v2 (strict), yaml.v3 (known fields) and goccy/go-yaml (strict) make of documents, for
// crates/golang/tests/fixtures/yaml.json.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	goccy "github.com/goccy/go-yaml"
	v2 "gopkg.in/yaml.v2"
	v3 "gopkg.in/yaml.v3"
)

type Sub struct {
	S string `yaml:"s" json:"s,omitempty"`
	N int    `yaml:"n" json:"n,omitempty"`
}

type Doc struct {
	S   string            `yaml:"s" json:"s,omitempty"`
	N   int               `yaml:"n" json:"n,omitempty"`
	U   uint8             `yaml:"u" json:"u,omitempty"`
	B   bool              `yaml:"b" json:"b,omitempty"`
	F   float64           `yaml:"f" json:"f,omitempty"`
	L   []string          `yaml:"l" json:"l,omitempty"`
	LN  []int             `yaml:"ln" json:"ln,omitempty"`
	M   map[string]string `yaml:"m" json:"m,omitempty"`
	I   any               `yaml:"i" json:"i,omitempty"`
	Sub Sub               `yaml:"sub" json:"sub,omitzero"`
	P   *string           `yaml:"p" json:"p,omitempty"`
	PB  *bool             `yaml:"pb" json:"pb,omitempty"`
	Ls  []Sub             `yaml:"ls" json:"ls,omitempty"`
}

func clean(v any) any {
	switch x := v.(type) {
	case map[any]any:
		o := map[string]any{}
		for k, e := range x {
			o[fmt.Sprint(k)] = clean(e)
		}
		return o
	case map[string]any:
		o := map[string]any{}
		for k, e := range x {
			o[k] = clean(e)
		}
		return o
	case []any:
		for i := range x {
			x[i] = clean(x[i])
		}
		return x
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
	}
	return v
}

func show(docs []Doc, err error) string {
	if err != nil {
		return "!"
	}
	for i := range docs {
		docs[i].I = clean(docs[i].I)
		if math.IsNaN(docs[i].F) || math.IsInf(docs[i].F, 0) {
			docs[i].F = -999
		}
	}
	b, e := json.Marshal(docs)
	if e != nil {
		return "?" + e.Error()
	}
	return string(b)
}

type dec interface{ Decode(any) error }

func all(d dec) (docs []Doc, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic %v", r)
		}
	}()
	for i := 0; i < 20; i++ {
		var doc Doc
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		docs = append(docs, doc)
	}
	return
}

func main() {
	var texts []string
	scalars := []string{"", "~", "null", "Null", "nULL", "abc", "\"abc\"", "'abc'", "8080", "\"8080\"", "'8080'", "8080.0", "8080.5", "1e3", "017", "018", "0o17", "0x1F", "0b11", "-0b11", "1_000", "+5", "-5", "-0", "1.", ".5", "-.5", "1e400", ".inf", "-.Inf", ".nan", "true", "True", "TRUE", "tRue", "\"true\"", "'yes'", "yes", "no", "on", "off", "y", "n", "Y", "On", "OFF", "2.0", "1.10", "2020-01-02", "2020-01-02T03:04:05Z", "12:30", "12:30:45", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "256", "-1", "!!str 123", "!!int \"3\"", "!!float 3", "!!bool yes", "!!null x", "!custom abc", "!!binary aGVsbG8=", "[a, b]", "{s: x}", "[]", "{}", "- a", "=", "<<", "@a", "`a`", "%a", "a: b", "a:b", "a #b", "a#b", "*x", "&x abc", "? a", "a, b", "\"\\x41\\u00e9\\t\\n\"", "'it''s'", "\"\\q\"", "# c", "1.2.3", "v1", "0.0.0.0/0", "1,000", "0x", "0xg", "00", "1__0", "é", "---", "...", "null ", "[1, 2.0, on, ~]", "{a: 1, b: on, c: ~}", "[[a]]", "[a: b]", "\"a\\\n  b\"", "0777", "-017", "08", "0b2", "1e", "e1", "1e-2", "0.1e1"}
	for _, k := range []string{"s", "n", "u", "b", "f", "l", "ln", "m", "i", "sub", "p", "pb", "ls"} {
		for _, v := range scalars {
			texts = append(texts, k+": "+v+"\n")
		}
	}
	for _, v := range scalars {
		texts = append(texts, "l:\n- "+v+"\n- end\n", "m:\n  k: "+v+"\n", "m: {"+v+": v}\n", "m:\n  "+v+": v\n")
	}
	texts = append(texts, "", "\n", "# only\n", "---\n", "---\n---\n", "--- \ns: a\n--- \n---\ns: b\n", "s: a\n---\n", "s: a\n...\n---\ns: b\n...\n", "s: a\n...\nn: 1\n", "s: a\ns: b\n", "m:\n  a: 1\n  a: 2\n", "i:\n  a: 1\n  a: 2\n", "x: 1\n", "sub:\n  x: 1\n", "S: a\n", "sub: {s: a, n: 1, z: 2}\n", "s: |\n  a\n  b\n", "s: |\n  a", "s: |-\n  a\n", "s: |+\n  a\n\n", "s: >\n  a\n  b\n\n  c\n", "s: >-\n  a\n  b", "s: |2\n    a\n", "s: 'a\n  b'\n", "s: a\n  b\n", "l:\n- a\n-\n- b\n", "l:\n  - a\n  - b\n", "l: [a, ,b]\n", "l: [a, b,]\n", "m: {a: 1, }\n", "m: {a}\n", "m: {a: , b: x}\n", "\tn: 1\n", "sub:\n\ts: a\n", "sub:\n  s: a\n   n: 1\n", "sub:\n  s: a\n n: 1\n", "s: \"a\n", "s: 'a\n", "l: [a\n", "m: {a: b\n", "s: a\r\nn: 1\r\n", "\ufeffs: a\n", "s: a\x00b\n", "s: \"a\x01b\"\n", "s: a\u0085b\n", "s: &a x\np: *a\n", "s: *a\n", "sub: &x\n  s: a\n  n: 1\nls:\n- <<: *x\n  n: 2\n", "m: &x {a: b}\ni:\n  <<: *x\n  c: d\n", "m: &x {a: b}\ni:\n  <<: *x\n  a: c\n", "i:\n  <<: [{a: 1}, {a: 2, b: 3}]\n  c: 4\n", "i:\n  <<: a\n", "i: &a [*a]\n", "%YAML 1.1\n---\ns: a\n", "%YAML 1.2\n---\ns: a\n", "%TAG ! tag:x,2000:\n---\ns: !y a\n", "- a\n- b\n", "abc\n", "123\n", "null\n", "{}\n", "[]\n", "{s: a, n: 2}\n", "\"s\": a\n", "? s\n: a\n", "? [a, b]\n: c\n", "i: {1: a, true: b, 2.5: c}\n", "i: {? x : y}\n", "s: a: b\n", "s : a\n", "s:a\n", "s:\n  a\n", "s:\n- a\n", "l:\n- - a\n", "l: a\n", "ls:\n- s: a\n  n: 1\n- s: b\n", "ls:\n- s: a\n- \n- n: 3\n", "ls:\n- ~\n", "i:\n- a\n- 1\n- {b: c}\n", "i: 2020-01-02\n", "i: \"\"\n", "i: 'on'\n", "s: !!str\n", "s: ! a\n", "n: ! 5\n", "i: ! 5\n", "s: [a]\n", "s: {a: b}\n", "sub: a\n", "sub: [a]\n", "sub:\n", "sub: {}\n", "m: a\n", "m: [a]\n", "m:\n  a: [x]\n", "m:\n  1: a\n  true: b\n  ~: c\n", "s: a # c\nn: 1 # d\n", "s: 'a' b\n", "s: \"a\" # c\n", "  s: a\n  n: 1\n", "  s: a\nn: 1\n", "s: -\n", "s: -a\n", "s: ?a\n", "s: :a\n", "s: [\n", "s: ]\n", "s: }\n", "s: ,\n", "s: a'b\"c\n", "s: %{DATA:x}\n", "s: \"%{DATA:x}\"\n", "s: ^a\\sb$\n", "s: \"^a\\\\sb$\"\n", "s: \"\\/\"\n", "s: \"\\'\"\n", "b: 1\n", "b: 0\n", "f: 1\n", "f: \"1\"\n", "f: abc\n", "n: 1.9999\n", "n: -1.9\n", "u: 1.5\n", "s: "+strings.Repeat("a", 2000)+"\n", strings.Repeat("k", 1100)+": x\n", "s: a\n\n\n\nn: 1\n", "# c\ns: a\n# d\nn: 1\n", "---\n# c\n---\ns: a\n", "s: a\n--- # c\ns: b\n", "--- s\n", "--- {s: a}\n", "s: |\n\ta\n", "s: |\n  a\n\n  b\n\n\n", "s: |\n   a\n  b\n", "s: >\n  a\n   b\n  c\n", "l: [\"a\", 'b', c]\n", "l:\n- \"a\"\n- 'b'\n", "i: {a: {b: {c: [1, 2, {d: e}]}}}\n", "s: null\nn: null\nb: null\nf: null\nl: null\nm: null\nsub: null\np: null\n", "n: 1\nn: 1\n", "sub: {s: a, s: b}\n", "ls: [{s: a, s: b}]\n", "pb: yes\n", "pb: 'yes'\n", "p: ''\n", "i: yes\n", "i: 0o17\n", "i: 017\n", "i: 0b11\n", "i: 1_000\n", "i: 12:30:45\n", "i: 1e3\n", "i: .5\n", "i: ~\n", "i: NULL\n", "i: -\n")
	fmt.Print("[\n")
	for i, t := range texts {
		d2 := v2.NewDecoder(bytes.NewReader([]byte(t)))
		d2.SetStrict(true)
		d3 := v3.NewDecoder(bytes.NewReader([]byte(t)))
		d3.KnownFields(true)
		dg := goccy.NewDecoder(bytes.NewReader([]byte(t)), goccy.Strict())
		r2, r3, rg := show(all(d2)), show(all(d3)), show(all(dg))
		row := []string{t, r2}
		if r3 != r2 || rg != r2 {
			row = append(row, r3)
		}
		if rg != r3 {
			row = append(row, rg)
		}
		b, _ := json.Marshal(row)
		if i > 0 {
			fmt.Print(",\n")
		}
		os.Stdout.Write(b)
	}
	fmt.Print("\n]\n")
}
