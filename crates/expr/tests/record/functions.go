// Records what expr-lang makes of its functions on edge values, for crates/expr/tests/fixtures/functions.json.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/expr-lang/expr"
)

func enc(v any) any {
	switch x := v.(type) {
	case nil:
		return nil
	case bool, string:
		return x
	case float64:
		return map[string]any{"f": fmt.Sprint(x)}
	case []byte:
		return map[string]any{"b": hex.EncodeToString(x)}
	case time.Duration:
		return map[string]any{"d": int64(x)}
	case time.Time:
		return map[string]any{"t": x.Format(time.RFC3339Nano)}
	case *time.Location:
		return x.String()
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"i": r.Int()}
	case reflect.Uint8, reflect.Uint, reflect.Uint64:
		return map[string]any{"i": int64(r.Uint())}
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

func main() {
	_ = math.Pi
	texts := []string{`""`, `"a"`, `"  a b  "`, `"é😀x"`, `"a,b,,c"`, `"AbC"`, `"1"`, `"-1.5"`, `"1e3"`, `"0x10"`, `"{\"a\":[1,null,true,\"x\"]}"`, `"[1,2"`, `"aGk="`, `"aGk"`, `"2021-11-09"`, `"1h30m"`, `"\n\t"`, `"straße"`, `"1_0"`, `" 5"`}
	seps := []string{`""`, `","`, `"a"`, `"é"`, `" "`}
	nums := []string{`0`, `1`, `-1`, `5`, `2.5`, `-2.5`, `0.5`, `-0.5`, `1e300`, `9223372036854775807`, `1.5e19`, `3.0`}
	lists := []string{`[]`, `[1]`, `[3, 1, 2]`, `["b", "a"]`, `[1, 2.5]`, `[1, "a"]`, `[[1, 2], [3]]`, `[nil]`, `[true, true]`, `[[1, [2, [3]]]]`, `[1, 1.0, 1]`, `[["a", 1], ["b", 2]]`, `[["a"]]`, `["x", "é"]`}
	maps := []string{`{}`, `{"a": 1}`, `{"a": [1], "b": nil}`}
	any1 := append(append(append(append([]string{`nil`, `true`}, texts...), nums...), lists...), maps...)
	var es []string
	for _, f := range []string{"len", "type", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "upper", "lower", "toJSON", "fromJSON", "toBase64", "fromBase64", "duration", "first", "last", "keys", "values", "toPairs", "fromPairs", "reverse", "uniq", "concat", "flatten", "sort", "max", "min", "mean", "median", "sum", "bitnot", "date", "join", "trimPrefix", "trimSuffix"} {
		for _, a := range any1 {
			es = append(es, f+"("+a+")")
		}
	}
	for _, t := range texts[:9] {
		for _, s := range seps {
			for _, f := range []string{"trim", "trimPrefix", "trimSuffix", "split", "splitAfter", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix"} {
				es = append(es, f+"("+t+", "+s+")")
			}
			for _, n := range []string{"0", "1", "2", "-1"} {
				es = append(es, "split("+t+", "+s+", "+n+")", "splitAfter("+t+", "+s+", "+n+")", "replace("+t+", "+s+", \"<é>\", "+n+")")
			}
			es = append(es, "replace("+t+", "+s+", \"#\")")
		}
		for _, n := range []string{"0", "3", "-1"} {
			es = append(es, "repeat("+t+", "+n+")", "get("+t+", "+n+")")
		}
	}
	for _, l := range lists {
		for _, n := range []string{"0", "1", "5", "-1"} {
			es = append(es, "take("+l+", "+n+")", "get("+l+", "+n+")")
		}
		for _, o := range []string{`"asc"`, `"desc"`, `"up"`} {
			es = append(es, "sort("+l+", "+o+")")
		}
		es = append(es, "join("+l+", \"-\")", "concat("+l+", [9])", "max("+l+", 2)", "min(2, "+l+")", "mean("+l+", 1.5)", "median("+l+", 7)")
	}
	for _, m := range maps {
		es = append(es, "get("+m+", \"a\")", "get("+m+", \"z\")", "len(keys("+m+"))", "sort(keys("+m+"))")
	}
	for _, a := range nums[:10] {
		for _, b := range nums[:6] {
			for _, f := range []string{"max", "min", "mean", "median", "bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr"} {
				es = append(es, f+"("+a+", "+b+")")
			}
		}
	}
	for _, d := range []string{`"2021-11-09"`, `"05:13:12"`, `"2021-11-09 05:13:12"`, `"2021-11-09T05:13:12.5+02:00"`, `"09 Nov 21 05:13 CET"`, `"Tuesday, 09-Nov-21 05:13:12 UTC"`, `"Tue, 09 Nov 2021 05:13:12 GMT"`, `"x"`} {
		es = append(es, "date("+d+")", "date("+d+", \"2006-01-02\")", "date("+d+", \"2006-01-02 15:04:05\", \"Europe/Paris\")", "date("+d+", \"2006-01-02 15:04:05\", \"Nowhere/X\")", "timezone(\"Europe/Berlin\")", "date(timezone(\"America/New_York\"), "+d+")")
	}
	base := `date("2024-02-29 23:59:58", "2006-01-02 15:04:05")`
	for _, m := range []string{"Year()", "Month()", "Month().String()", "Day()", "Hour()", "Minute()", "Second()", "Nanosecond()", "Weekday()", "Weekday().String()", "YearDay()", "Unix()", "UnixMilli()", "UnixMicro()", "UnixNano()", "String()", "IsZero()", "UTC()", `Format("Mon 2 Jan 06 3:04PM")`, `Add(duration("36h"))`, `AddDate(1, 0, 0)`, `AddDate(0, 12, 1)`, `Sub(date("2024-01-01"))`, `After(date("2024-01-01"))`, `Before(date("2024-01-01"))`, `Equal(date("2024-01-01"))`, `Compare(date("2024-01-01"))`, `Truncate(duration("24h"))`, `Round(duration("1h"))`, `In(timezone("Asia/Tokyo"))`, `In(timezone("Europe/Paris")).Hour()`, `Date()`, `Nope()`} {
		es = append(es, base+"."+m)
	}
	for _, m := range []string{"Hours()", "Minutes()", "Seconds()", "Milliseconds()", "Microseconds()", "Nanoseconds()", "String()", "Abs()", `Round(duration("1s"))`, `Truncate(duration("1m"))`} {
		es = append(es, `duration("-1h30m15.5s").`+m)
	}
	fmt.Print("[\n")
	for i, e := range es {
		row := map[string]any{"e": e}
		func() {
			defer func() {
				if r := recover(); r != nil {
					row["v"] = []any{map[string]any{"e": fmt.Sprint(r)}}
				}
			}()
			p, err := expr.Compile(e)
			if err != nil {
				row["c"] = strings.SplitN(err.Error(), "\n", 2)[0]
				return
			}
			out, err := expr.Run(p, nil)
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
