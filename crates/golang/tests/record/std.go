// Records verdicts of Go's time, strings, strconv, url, regexp and json, for crates/golang/tests/fixtures/std.json.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var first = true

func row(kind string, in []string, out string) {
	b, _ := json.Marshal([]any{kind, in, out})
	if !first {
		fmt.Print(",\n")
	}
	first = false
	os.Stdout.Write(b)
}

func main() {
	fmt.Print("[\n")
	layouts := []string{time.RFC3339, time.RFC3339Nano, "02/Jan/2006:15:04:05 -0700", "Mon Jan 2 15:04:05 2006", "02-Jan-2006 15:04:05 europe/paris", "01/02/2006 15:04:05", "2006-01-02 15:04:05.999999999 -0700 MST", "Jan  2 15:04:05", "Mon Jan 02 15:04:05.000000 2006", "2006/01/02", "2006/01/02 15:04", "2006-01-02", "2006-01-02 15:04", "2006/01/02 15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "0102 15:04:05", "060102 15:04:05", "2006-01-02 15:04:05,999999999", "2006-01-02 15:04:05.000-0700", "2006 2 15.04.05 Jan", "3:04:05 PM", "3:04pm", "Monday, 02-Jan-06 15:04:05 MST", "Mon, _2 Jan 2006 15:04:05 Z0700", "2006-002", "2006 __2", "Jan _2 15:04:05", "20060102150405", "15:04:05.000", "15:04:05,000", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05-07:00:00", "_2006", "January 2, 2006", "02 Jan 06 15:04 MST", "5.4", "Janet 2", "Mondays 2", "2006-01-02T15:04:05.999", "15h04"}
	texts := []string{"2021-11-09T05:13:12Z", "2021-11-09T05:13:12.123456789Z", "2021-11-09T05:13:12+02:00", "2021-11-09T05:13:12.5-0730", "2021-11-09T05:13:12", "2021-11-09T05:13:12,25Z", "2021-11-09  5:13:12", "2021-11-09 05:13:12", "2021-11-09 05:13:12.123", "2021-11-09 05:13:12,123456", "2021-11-09 05:13:12.123456789012 +0100 CET", "09/Nov/2021:05:13:12 +0000", "09/nov/2021:05:13:12 -0500", "Tue Nov  9 05:13:12 2021", "Tue Nov 9 05:13:12.000123 2021", "Tue Nov 09 05:13:12.123456 2021", "09-Nov-2021 05:13:12 europe/paris", "11/09/2021 05:13:12", "Nov  9 05:13:12", "Nov 9 05:13:12", "Nov 19 05:13:12.99", "Feb 29 01:02:03", "Feb 30 01:02:03", "2021/11/09", "2021/11/09 05:13", "2021-11-09", "2021-11-09 05:13", "2021-13-09", "2021-02-29", "1109 05:13:12", "211109 05:13:12", "691109 05:13:12", "2021-11-09 05:13:12.123-0500", "2021 9 05.13.12 Nov", "5:13:12 PM", "12:13:12 AM", "12:13pm", "5:13am", "Tuesday, 09-Nov-21 05:13:12 UTC", "Tuesday, 09-Nov-21 05:13:12 CEST", "Tuesday, 09-Nov-21 05:13:12 GMT+3", "tuesday, 09-NOV-21 05:13:12 PST", "Tue,  9 Nov 2021 05:13:12 +0100", "Tue, 9 Nov 2021 05:13:12 Z", "2021-313", "2021-366", "2020-366", "2021   9", "20211109051312", "05:13:12.5", "05:13:12.500", "05:13:12,500", "25:13:12.500", "05:60:12.500", "2021-11-09T05:13:12Z07", "2021-11-09T05:13:12+01:02:03", "2021-11-09T05:13:12-25:00:00", "_2021", "November 9, 2021", "nov 9, 2021", "09 Nov 21 05:13 -03", "5.6", "Janet 4", "Mondays 4", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2021-11-09T05:13:12.Z", "2021-11-09T05:13:12Zx", "", "   ", "now", "1636434792", "2021-11-09T24:00:00Z", "2021-11-09T05:13:60Z", "05h13", "2021-11-09T05:13:12.999", "2021-11-09T5:13:12Z", "2021-1-9T05:13:12Z", "Tue Nov 32 05:13:12 2021", "é"}
	for _, l := range layouts {
		for _, t := range texts {
			got, err := time.Parse(l, t)
			out := ""
			if err != nil {
				out = "! " + err.Error()
				if strings.Contains(out, "cannot parse") || strings.Contains(out, "extra text") || strings.Contains(out, "out of range") {
				}
			} else {
				out = got.String()
			}
			if err != nil && !(strings.HasPrefix(t, "2021-11-09T05") || strings.HasPrefix(t, "Feb")) {
				out = "!"
			}
			row("time.parse", []string{l, t}, out)
		}
	}
	zones := []*time.Location{time.UTC, time.FixedZone("CEST", 7200), time.FixedZone("", -12600), time.FixedZone("X", 45)}
	times := []time.Time{time.Date(2021, 3, 4, 5, 6, 7, 80000000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.UTC), time.Date(1999, 12, 31, 12, 0, 0, 1000, time.UTC), time.Date(0, 7, 14, 0, 30, 0, 0, time.UTC), time.Date(12021, 7, 4, 13, 0, 0, 120000000, time.UTC)}
	for _, l := range append(layouts, "Z07:00:00 -07 pm PM 03 3 002 __2 2 _2 Jan January Mon Monday .000 .99 ,00 06", "MST", "-0700", time.RFC1123Z) {
		for _, t := range times {
			for _, z := range zones {
				row("time.format", []string{fmt.Sprint(t.Unix()), fmt.Sprint(t.Nanosecond()), fmt.Sprint(func() int { _, o := t.In(z).Zone(); return o }()), z.String(), l}, t.In(z).Format(l))
			}
		}
	}
	for _, t := range times {
		for _, d := range [][3]int{{1, 0, 0}, {0, 1, 0}, {0, -1, 31}, {2023, 0, 0}, {-4, 13, -400}} {
			row("time.adddate", []string{fmt.Sprint(t.Unix()), fmt.Sprint(t.Nanosecond()), fmt.Sprint(d[0]), fmt.Sprint(d[1]), fmt.Sprint(d[2])}, t.AddDate(d[0], d[1], d[2]).Format(time.RFC3339Nano))
		}
		for _, d := range []string{"1h", "24h", "7m", "1s", "0s", "168h", "1ms"} {
			dd, _ := time.ParseDuration(d)
			row("time.round", []string{fmt.Sprint(t.Unix()), fmt.Sprint(t.Nanosecond()), d}, t.Round(dd).Format(time.RFC3339Nano)+" "+t.Truncate(dd).Format(time.RFC3339Nano)+" "+t.Weekday().String()+" "+fmt.Sprint(t.YearDay()))
		}
	}
	for _, d := range []string{"1h", "1.5h", "-1.25h", "1h30m", "1h-30m", "1e3s", "1_000s", "١s", "1µs1μs1us", "9223372036.854775807s", "9223372036.854775808s", "-9223372036.854775808s", "0.100000000000000000000h", "0.9223372036854775807h", "1.00000000000000000000000001s", "+", "-", "+-1s", "1h 30m", ".", ".h", "1..5h", "1hm", "10ns5", "5d", "1w", "99999999999999999999h", "0.3333333333333333333h", "0h", "00", "0s", "-0s", "1sm", "1ms1s", "2562047h47m16.854775807s", "2562047h47m16.854775808s", "1\x00s", "1\"s"} {
		got, err := time.ParseDuration(d)
		if err != nil {
			row("duration", []string{d}, "! "+err.Error())
		} else {
			row("duration", []string{d}, got.String())
		}
	}
	words := []string{"", "hello world", "straße ŉ ﬁ ǆ", "İIıi", "ΑΣ ςσ ὈΔΥΣΣΕΎΣ", "ᾀᾳὒΐ", "a\u00a0b\u0085c\u2003d\u200be", "x_y-z'q é-à", "\u1e9e ß", "Ǆǅǆ", "ŉʼn", "\ufeffabc\u00ad\ue000\u0301", "𐐀𐐨", "١٢", "tab\tnl\n\v\f\r", "日本語", "\u2028\u2029", "ꭰᏸ Ꮰ", "ﬀﬃ", "\x7f\x01", "ა Ა ⴀ"}
	for _, w := range words {
		row("upper", []string{w}, strings.ToUpper(w))
		row("lower", []string{w}, strings.ToLower(w))
		row("title", []string{w}, strings.Title(w))
		row("trimspace", []string{w}, strings.TrimSpace(w))
		row("fields", []string{w}, strings.Join(strings.Fields(w), "|"))
		row("quote", []string{w}, strconv.Quote(w))
		row("quoteascii", []string{w}, strconv.QuoteToASCII(w))
		j, _ := json.Marshal(w)
		row("json", []string{w}, string(j))
		row("pathescape", []string{w}, url.PathEscape(w))
		row("queryescape", []string{w}, url.QueryEscape(w))
		row("quotemeta", []string{w + ".*[a-z]{2}(\\d)|^$+?-#"}, regexp.QuoteMeta(w+".*[a-z]{2}(\\d)|^$+?-#"))
	}
	for _, w := range []string{"a%20b", "%", "%2", "%zz", "a+b", "%41%c3%a9", "%2f%2F", "%%20", "100%", "%u0041", "a;b&c=d", "%e2%82%ac+%2B"} {
		p, err := url.PathUnescape(w)
		if err != nil {
			p = "! " + err.Error()
		}
		row("pathunescape", []string{w}, p)
		q, err := url.QueryUnescape(w)
		if err != nil {
			q = "! " + err.Error()
		}
		row("queryunescape", []string{w}, q)
	}
	for _, f := range []string{"0", "1", "-1.5", "1e21", "1e20", "123456789012345680", "1e-6", "1e-7", "9.999e-7", "0.1", "3.4028234663852886e+38", "5e-324", "1.7976931348623157e308", "100", "1e6", "12345678.9", "-0"} {
		v, _ := strconv.ParseFloat(f, 64)
		j, _ := json.Marshal(v)
		row("jsonfloat", []string{f}, string(j))
		row("g", []string{f}, strconv.FormatFloat(v, 'g', -1, 64))
		row("f6", []string{f}, fmt.Sprintf("%f", v))
	}
	for _, f := range []string{"1", " 1", "1 ", "1e5", "1E+5", "0x1p4", "0x1", "inf", "-Inf", "+infinity", "nan", "NaN", "-nan", "1_0", ".5", "5.", ".", "", "1e400", "1e-400", "+-1", "1e", "0b1", "١", "infin", "0x.8p1", "1d", "1.2.3"} {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			row("parsefloat", []string{f}, "!")
		} else {
			row("parsefloat", []string{f}, fmt.Sprint(v))
		}
	}
	patterns := []string{`a{`, `a{x}`, `a{2}`, `a{2,}`, `a{,2}`, `a{2,3}`, `{`, `}`, `]`, `[]a]+`, `[^]a]+`, `[a-]+`, `[-a]+`, `[+--]+`, `[a&&b]+`, `[a~~b]+`, `[a--b]+`, `[[a]+`, `[\d\-x]+`, `[\w.]+`, `\d+`, `\D+`, `\s+`, `\S+`, `\w+`, `\W+`, `\bfoo\b`, `\Boo`, `\Aa`, `a\z`, `a\Z`, `\Qa.b\E.`, `\Qa.b`, `\pL+`, `\p{Greek}+`, `\PL+`, `\p{^L}+`, `\x41`, `\x{263a}`, `\101`, `\1`, `\8`, `\07`, `\a\f\t\n\r\v`, `(?i)straße`, `(?i)K`, `(?i)[k]`, `(?i)\w+`, `(?s).+`, `(?m)^b$`, `a.b`, `^$`, `(?:a|ab)(?:c|bcd)`, `(a+)(b+)?`, `a*?b`, `a+?`, `x*`, `(?P<n>a)(?<m>b)`, `(?P<n>a)(?P<n>b)`, `(?=a)`, `(?!a)`, `(?<=a)b`, `(?x)a b`, `(?u)a`, `(?R)a`, `a**`, `a{1001}`, `a{1000}`, `(`, `)`, `[`, `[z-a]`, `[[:alpha:]]+`, `[[:^alpha:]]+`, `[[:foo:]]`, `[:alpha:]`, `\<a`, `\>a`, `\_`, `\-\"\'\/`, `\é`, `\e`, `\h`, `\C`, `\K`, `\G`, `|a`, `()`, `(?U)a+`, `(?i:A)b`, `(?-i)A`, `(?)a`, `(?i`, `*a`, `+`, `?`, `a|*`, `^*`, `\b+`, `[^\d]+`, `[\D]+`, `[^\S]+`, `[\s\S]+`, `[a-\d]`, `[\d-a]`, `[a-c-e]+`, `[é-ü]+`, `"[^"]*"`, `#.*`, `[\^\]\[]+`, `[\x41-\x43]+`, `[\pL\pN]+`, `[\p{Lu}0]+`, `\p{foo}`, `\pZ`, `a{0}b`, `(a{2}){3}`, `x{2}{3}`, `(?i)ſ`, `\.{2}`, `[.]{`, `%{DATA}`, `\{"a":\d+\}`, `{"a":(\d+)}`, `a{1,2}{`, `[{}]+`, `[a{2}]+`, `\$\{jndi`, `[\w-]+@[\w-]+`, `[\w-_]+`, `[!-~]+`, `[ -~]+`, `(\d{1,3}\.){3}\d{1,3}`, `(?:^|,)a(?:,|$)`, "\u00a0+", `[[:word:]]+`, `[[.a.]]`, `[[=a=]]`}
	subjects := []string{"", "a{", "a{x}", "aa", "aaa", "a{,2}", "{}", "]a]", "a-b", "a&&b~", "[[a", "1-x 22", "foo bar", "xfoo", "a.b.c", "αβγ abc", "é", "A☺", "\x07\f\t\n\r\v", "STRASSE straße", "K k K", "ſ s", "a\nb\nc", "abcd", "aab", "_", "0", "a\u00a0b\u0660", `{"a":12}`, "x\"y\"z", "a,b,a", "1.2.3.4", "user@host-name", "%{DATA}", "${jndi:x}", "A1é_-", "\xed\xa0\x80"[0:0] + "ok", "aaaaaa xxxxxx", "[:alpha:]"}
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			row("regexp", []string{p}, "!")
			continue
		}
		var all []string
		for _, s := range subjects {
			all = append(all, fmt.Sprint(re.FindAllStringSubmatchIndex(s, -1)))
		}
		row("regexp", append([]string{p}, subjects...), strings.Join(all, ";"))
	}
	fmt.Print("\n]\n")
}
