package check

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"sigs.k8s.io/yaml"
)

// Every set of values that is tried: none, and each file of testdata.
func valueSets(t *testing.T) map[string]map[string]any {
	t.Helper()
	sets := map[string]map[string]any{"defaults": {}}
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("values to try are missing: %v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		if err := yaml.UnmarshalStrict(text, &values); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		sets[strings.TrimSuffix(filepath.Base(file), ".yaml")] = values
	}
	return sets
}

// What is rendered is kept, and read anew for each test: tests change it.
var rendered = map[string][]string{}

func render(t *testing.T, set string) *Objects {
	t.Helper()
	if rendered[set] == nil {
		files, err := Render(valueSets(t)[set])
		if err != nil {
			t.Fatal(err)
		}
		rendered[set] = Documents(files)
	}
	objects, err := Decode(rendered[set])
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestManifestsAreWhatTheirReadersKnowAndKeepTheRules(t *testing.T) {
	for set := range valueSets(t) {
		objects := render(t, set)
		for _, rule := range Rules() {
			for _, wrong := range rule.Check(objects) {
				t.Errorf("%s: %s: %s", set, rule.Name, wrong)
			}
		}
	}
}

// What `helm lint` says, but for advice such as a missing icon.
func TestHelmHasNothingToSay(t *testing.T) {
	for set, values := range valueSets(t) {
		for _, message := range lint.RunAll(Chart, values, "muster").Messages {
			if message.Severity >= support.WarningSev {
				t.Errorf("%s: %s", set, message)
			}
		}
	}
}

// A value that switches something on must show: a chart without it would keep every rule.
func TestValuesSwitchOnWhatTheySay(t *testing.T) {
	plain, all, versioned, external := render(t, "defaults"), render(t, "everything"), render(t, "versioned"), render(t, "external")
	for _, c := range []struct {
		what        string
		found, want int
	}{
		{"deployments", len(plain.Deployments), 5},
		{"jobs", len(plain.Jobs), 1},
		{"budgets", len(plain.Budgets), 5},
		{"autoscalers", len(plain.Autoscalers), 1},
		{"policies", len(plain.Policies), 6},
		{"scaled objects", len(plain.ScaledObjects), 0},
		{"ingresses", len(plain.Ingresses), 0},
		{"scaled objects of all groups", len(all.ScaledObjects), 4},
		{"authentications", len(all.Authentications), 1},
		{"ingresses", len(all.Ingresses), 1},
		{"pod monitors", len(all.PodMonitors), 2},
		{"rules", len(all.Rules), 1},
		{"dashboards and settings", len(all.ConfigMaps), 2},
		{"deployments of three builds", len(versioned.Deployments), 1 + 3*4},
		{"scaled objects of three builds", len(versioned.ScaledObjects), 3 * 4},
		{"jobs that are switched off", len(external.Jobs), 0},
		{"policies that are switched off", len(external.Policies), 0},
		{"budgets that are switched off", len(external.Budgets), 0},
		{"autoscalers that are switched off", len(external.Autoscalers), 0},
	} {
		if c.found != c.want {
			t.Errorf("%s: %d instead of %d", c.what, c.found, c.want)
		}
	}
}

// Workers first: the API's tag can stay behind, and the API then runs it.
func TestTheAPICanStayAReleaseBehind(t *testing.T) {
	images := map[string]bool{}
	for _, d := range render(t, "external").Deployments {
		images[d.Spec.Template.Spec.Containers[0].Image] = true
	}
	for _, image := range []string{"registry.example.com/team/muster-api:1.3.0", "registry.example.com/team/muster-worker:1.4.0"} {
		if !images[image] {
			t.Errorf("%s does not run: %v", image, images)
		}
	}
}

func TestOnlyWorkersOfWebhooksReachTheInternetAndNoPrivateAddress(t *testing.T) {
	objects := render(t, "defaults")
	for _, w := range objects.Workloads() {
		except, may := objects.MayReachInternet(w)
		if may != (w.Meta.Name == "muster-worker-webhooks") {
			t.Errorf("%s: the internet is open: %v", w, may)
		}
		if !may {
			continue
		}
		for _, address := range []string{"10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1", "2002:a00:1::"} {
			if !slices.ContainsFunc(except, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(address)) }) {
				t.Errorf("%s may reach %s", w, address)
			}
		}
	}
}

// Each program gets the secrets that it needs and no others.
func TestSecretsGoToThoseWhoNeedThem(t *testing.T) {
	want := map[string][]string{
		"muster-api":             {"database-url", "redis-url", "temporal-api-key", "temporal-ca", "temporal-cert", "temporal-key", "jwt-private", "jwt-public", "partner.key", "partner-previous.key", "codec-keys", "codec-token"},
		"muster-worker-control":  {"database-url", "redis-url", "temporal-api-key", "temporal-ca", "temporal-cert", "temporal-key", "codec-keys"},
		"muster-worker-import":   {"database-url", "redis-url", "temporal-api-key", "temporal-ca", "temporal-cert", "temporal-key", "codec-keys"},
		"muster-worker-mail":     {"database-url", "redis-url", "temporal-api-key", "temporal-ca", "temporal-cert", "temporal-key", "codec-keys", "smtp-url"},
		"muster-worker-webhooks": {"database-url", "redis-url", "temporal-api-key", "temporal-ca", "temporal-cert", "temporal-key", "codec-keys"},
		"muster-migrate":         {"admin-database-url"},
	}
	for _, w := range render(t, "everything").Workloads() {
		var files []string
		for _, source := range w.Pod.Spec.Volumes[0].Projected.Sources {
			files = append(files, source.Secret.Items[0].Path)
		}
		if !slices.Equal(files, want[w.Meta.Name]) {
			t.Errorf("%s gets %v instead of %v", w, files, want[w.Meta.Name])
		}
	}
}
