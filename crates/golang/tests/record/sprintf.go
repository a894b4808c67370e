// Records what fmt.Sprintf writes, for crates/golang/tests/fixtures/sprintf.json.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"time"
)

type row struct {
	Format string `json:"format"`
	Args   []any  `json:"args"`
	Out    string `json:"out"`
}

func main() {
	d := map[string]any{"$duration": int64(90 * time.Second)}
	enc := func(a any) any {
		switch v := a.(type) {
		case time.Duration:
			return map[string]any{"$duration": int64(v)}
		case time.Time:
			return map[string]any{"$time": v.Format(time.RFC3339Nano)}
		case float64:
			if math.IsInf(v, 0) || math.IsNaN(v) {
				return map[string]any{"$float": fmt.Sprint(v)}
			}
			return map[string]any{"$float": fmt.Sprintf("%.20e", v)}
		case []string:
			l := []any{}
			for _, x := range v {
				l = append(l, x)
			}
			return map[string]any{"$strings": l}
		}
		return a
	}
	_ = d
	fmts := []string{"%v", "%+v", "%#v", "%T", "%s", "%d", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%# x", "%5v|", "%-5v|", "%05v|", "%8.3f|", "%08.3f|", "%-8.2f|", "%+d", "% d", "%+.2e", "%e", "%g", "%G", "%.3g", "%.10g", "%f", "%F", "%t", "%c", "%U", "%#U", "%b", "%o", "%O", "%#o", "%.2s|", "%5.1s|", "%.3d", "%.0d|", "%05d|", "%-05d|", "%+05d|", "%05s|", "%!", "%z", "%%", "%5t|", "%6.2f%%", "%+f", "%06d", "%x|%v", "%[2]d", "%010.3e|", "%+g", "% g", "%5q|", "%-8q|", "%.1q"}
	args := []any{nil, true, false, 0, 1, -42, 65, 128512, 1234567, int(math.MaxInt64), math.MinInt64, 0.0, 1.0, -1.5, 3.14159265358979, 1e6, 123456789.0, 1e20, 1e21, 1e-5, 0.0001, 1e100, math.Inf(1), math.Inf(-1), math.NaN(), 100.0, 2.5, 0.1, 1000000.5, "", "abc", "é😀\n\"`\x00", "a b", []any{1, "a", nil, 2.5, true}, []string{"a", "b c"}, []any{}, map[string]any{"b": 1, "a": []any{"x", nil}, "c": nil}, map[string]any{}, 90 * time.Second, time.Date(2021, 3, 4, 5, 6, 7, 80000000, time.UTC)}
	var out []row
	add := func(f string, a ...any) {
		e := []any{}
		for _, x := range a {
			e = append(e, enc(x))
		}
		out = append(out, row{f, e, fmt.Sprintf(f, a...)})
	}
	for _, f := range fmts {
		for _, a := range args {
			if _, ok := a.(time.Time); ok && !strings.ContainsAny(f, "vsqxXT") {
				continue
			}
			if _, ok := a.(float64); ok && strings.ContainsAny(f, "bxX#") {
				continue
			}
			if l, ok := a.([]any); ok && len(l) == 5 && strings.ContainsAny(f, "bxX#") {
				continue
			}
			add(f, a)
		}
	}
	add("%s %s", "a")
	add("%s", "a", "b", 3, nil)
	add("%d%%", 5)
	add("no verbs")
	add("no", "x")
	add("%")
	add("%5")
	add("%-")
	add("%[3]s", "a")
	add("%[2]s %[1]s", "a", "b")
	add("%[1]d %d", "a", 2)
	add("%*d|", 5, 3)
	add("%-*d|", 5, 3)
	add("%.*f|", 2, 3.14159)
	add("%*d", "x", 3)
	add("%[x]d", 1)
	add("%[1]*.[2]*[3]f|", 8, 2, 3.14159)
	add("%v %v", "a", []any{"b", map[string]any{"k": 1}})
	add("%!d", 1)
	add("%s is %d years and %.1f%%", "bob", 3, 99.5)
	add("%[2]*[1]d|", 2, 5)
	add("%.[2]d", 1, 2)
	add("%[5]d", 1)
	add("%6.3v|", "abcdef")
	add("%-10s|%10s|", "ab", "cd")
	add("%3c|%-3c|", 'x', 'y')
	add("%d %s", []any{1, 2}, []any{"a", "b"})
	add("%q", []string{"a", "b"})
	add("%x", []string{"ab", "c"})
	add("%5d|", []any{1, 2})
	add("%v", map[string]any{"z": map[string]any{"y": 1}})
	fmt.Print("[\n")
	for i, r := range out {
		b, _ := json.Marshal(r)
		if i > 0 {
			fmt.Print(",\n")
		}
		os.Stdout.Write(b)
	}
	fmt.Print("\n]\n")
}
