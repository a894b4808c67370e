// Records what upstream's grok library makes of subject lines: the span of the match and the semantics, for
// crates/engine/tests/fixtures/grok_patterns.json. Arguments: the folder of the original pattern files, and a
// JSON file of [pattern name, subject] pairs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"

	"github.com/crowdsecurity/grokky"
)

var (
	ref  = regexp.MustCompile(`%\{(\w+)(:(\w+))?}`)
	defs = map[string]string{}
	line = regexp.MustCompile(`^(\w+)\s+(.+)$`)
)

func expand(text string) string {
	return ref.ReplaceAllStringFunc(text, func(m string) string {
		return "(" + expand(defs[ref.FindStringSubmatch(m)[1]]) + ")"
	})
}

func main() {
	host := grokky.NewBase()
	for name, text := range host.Patterns {
		defs[name] = text
	}
	files, _ := filepath.Glob(filepath.Join(os.Args[1], "*"))
	sort.Strings(files)
	for _, f := range files {
		fd, _ := os.Open(f)
		for sc := bufio.NewScanner(fd); sc.Scan(); {
			if m := line.FindStringSubmatch(sc.Text()); m != nil {
				defs[m[1]] = m[2]
				if err := host.Add(m[1], m[2]); err != nil {
					fmt.Fprintln(os.Stderr, f, m[1], err)
				}
			}
		}
		fd.Close()
	}
	var rows [][2]string
	raw, _ := os.ReadFile(os.Args[2])
	if err := json.Unmarshal(raw, &rows); err != nil {
		panic(err)
	}
	compiled := map[string]*regexp.Regexp{}
	patterns := map[string]grokky.Pattern{}
	fmt.Print("[\n")
	for i, r := range rows {
		re := compiled[r[0]]
		if re == nil {
			text := defs[r[0]]
			if m := regexp.MustCompile(`^\(\?m\)`).FindString(text); m != "" {
				text = text[len(m):]
			}
			re = regexp.MustCompile(expand(defs[r[0]]))
			compiled[r[0]] = re
			p, err := host.Get(r[0])
			if err != nil {
				panic(err)
			}
			patterns[r[0]] = p
		}
		span := re.FindStringIndex(r[1])
		var sem map[string]string
		if span != nil {
			sem = patterns[r[0]].Parse(r[1])
			for k, v := range sem {
				if v == "" {
					delete(sem, k)
				}
			}
		}
		b, _ := json.Marshal([]any{r[0], r[1], span, sem})
		if i > 0 {
			fmt.Print(",\n")
		}
		os.Stdout.Write(b)
	}
	fmt.Print("\n]\n")
}
