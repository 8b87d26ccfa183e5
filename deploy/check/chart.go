package check

import (
	"fmt"
	"sort"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

// Chart is the folder of the chart.
const Chart = Root + "/deploy/helm/muster"

// Root is the folder of the repository, seen from the tests.
const Root = "../.."

// Render gives the documents of the chart by template, as `helm template` does; values are checked against the schema.
func Render(values map[string]any) (map[string]string, error) {
	chart, err := loader.Load(Chart)
	if err != nil {
		return nil, err
	}
	release := common.ReleaseOptions{Name: "muster", Namespace: "muster", Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	// Strict: a value that is not there is an error and not an empty text.
	return engine.Engine{Strict: true, LintMode: false}.Render(chart, all)
}

// Documents splits what was rendered, in a fixed order; notes and empty documents are left out.
func Documents(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var documents []string
	for _, name := range names {
		for _, document := range strings.Split("\n"+files[name], "\n---") {
			if hasContent(document) {
				documents = append(documents, fmt.Sprintf("# %s\n%s", name, document))
			}
		}
	}
	return documents
}

func hasContent(document string) bool {
	for _, line := range strings.Split(document, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			return true
		}
	}
	return false
}
