package check

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Queues are the task queues of the code.
func Queues() ([]string, error) {
	return found("workflows/src/names.rs", `_QUEUE: &str = "([^"]+)"`)
}

// APIGrace is how many seconds running requests have when the API is asked to end.
func APIGrace() (int64, error) {
	text, err := found("api/src/main.rs", `const GRACE: Duration = Duration::from_secs\((\d+)\)`)
	if err != nil {
		return 0, err
	}
	return seconds(text[0]), nil
}

func seconds(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// All that the first group of the expression finds in a file of the repository; nothing is an error.
func found(file, expression string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(Root, file))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, match := range regexp.MustCompile(expression).FindAllSubmatch(text, -1) {
		all = append(all, string(match[1]))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: nothing looks like %s", file, expression)
	}
	return all, nil
}

// Scaler is what KEDA's source says of the parameters of its scaler for Temporal.
type Scaler struct {
	metadata, secrets, deprecated map[string]bool
	required                      []string
}

// TemporalScaler reads the tags of KEDA's own structure, from the module that go.mod names. Its package is not imported:
// it brings a client for everything that KEDA can look at.
var TemporalScaler = sync.OnceValues(func() (*Scaler, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	if err != nil {
		return nil, fmt.Errorf("where is KEDA's source: %w", err)
	}
	file := filepath.Join(strings.TrimSpace(string(module)), "pkg/scalers/temporal_scaler.go")
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, err
	}
	scaler := &Scaler{metadata: map[string]bool{}, secrets: map[string]bool{}, deprecated: map[string]bool{}}
	ast.Inspect(tree, func(node ast.Node) bool {
		spec, is := node.(*ast.TypeSpec)
		if !is || spec.Name.Name != "temporalMetadata" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if field.Tag != nil {
				scaler.add(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("keda"))
			}
		}
		return false
	})
	if !scaler.metadata["taskQueue"] {
		return nil, fmt.Errorf("%s no longer says what it takes: see how its tags look now", file)
	}
	return scaler, nil
})

func (s *Scaler) add(tag string) {
	// "name=endpoint, order=triggerMetadata;resolvedEnv": the text behind `deprecated=` may have commas of its own.
	name, optional := "", strings.Contains(tag, "optional") || strings.Contains(tag, "default=")
	for _, part := range strings.Split(tag, ",") {
		key, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "name":
			name = strings.TrimSpace(text)
		case "order":
			for _, from := range strings.Split(text, ";") {
				s.metadata[name] = s.metadata[name] || from == "triggerMetadata"
				s.secrets[name] = s.secrets[name] || from == "authParams"
			}
		case "deprecated":
			s.deprecated[name] = true
		}
	}
	if name != "" && !optional {
		s.required = append(s.required, name)
	}
}

// Secret says whether the parameter may come from a TriggerAuthentication.
func (s *Scaler) Secret(name string) bool { return s.secrets[name] }

// Problems says what KEDA would not take.
func (s *Scaler) Problems(metadata map[string]string) (wrong []string) {
	for name := range metadata {
		if !s.metadata[name] || s.deprecated[name] {
			wrong = append(wrong, "KEDA knows no "+name+", or no longer")
		}
	}
	for _, name := range s.required {
		if metadata[name] == "" {
			wrong = append(wrong, "KEDA needs "+name)
		}
	}
	if (metadata["workerDeploymentName"] == "") != (metadata["workerDeploymentBuildId"] == "") {
		wrong = append(wrong, "a build needs the name of its deployment, too")
	}
	return wrong
}
