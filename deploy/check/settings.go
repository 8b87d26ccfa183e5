package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Known are the variables that docs/operate/configuration.md has a row for, or an argument of the worker names.
var Known = sync.OnceValues(func() (map[string]bool, error) {
	known := map[string]bool{}
	text, err := os.ReadFile(Root + "/docs/operate/configuration.md")
	if err != nil {
		return nil, err
	}
	name := regexp.MustCompile("`([A-Z][A-Z0-9_]+)`")
	for _, line := range strings.Split(string(text), "\n") {
		// The first cell of a row of a table.
		if cells := strings.SplitN(line, "|", 3); len(cells) == 3 && cells[0] == "" {
			for _, match := range name.FindAllStringSubmatch(cells[1], -1) {
				known[match[1]] = true
			}
		}
	}
	files, err := filepath.Glob(Root + "/worker/src/*.rs")
	if err != nil {
		return nil, err
	}
	argument := regexp.MustCompile(`env = "([A-Z_]+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range argument.FindAllStringSubmatch(string(text), -1) {
			known[match[1]] = true
		}
	}
	return known, nil
})

// Unknown gives those names that no program of ours reads. `<NAME>_FILE` counts as its name.
func Unknown(names []string) ([]string, error) {
	known, err := Known()
	if err != nil {
		return nil, err
	}
	var unknown []string
	for _, name := range names {
		if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] {
			unknown = append(unknown, name)
		}
	}
	return unknown, nil
}

func settingsKnown(o *Objects) (wrong []string) {
	check := func(where string, names []string) {
		unknown, err := Unknown(names)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		for _, name := range unknown {
			wrong = append(wrong, fmt.Sprintf("%s: nobody reads %s", where, name))
		}
	}
	for _, w := range o.Workloads() {
		for _, c := range containers(&w.Pod.Spec) {
			var names []string
			for _, e := range c.Env {
				names = append(names, e.Name)
			}
			check(w.String(), names)
			for _, from := range c.EnvFrom {
				if settings := o.configMap(from.ConfigMapRef.Name); settings != nil {
					names = nil
					for name := range settings.Data {
						names = append(names, name)
					}
					check(settings.Name, names)
				}
			}
		}
	}
	return wrong
}
