package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	project, err := Compose(profiles...)
	if err != nil {
		t.Fatalf("%v: %v", profiles, err)
	}
	return project
}

func TestEachProfileStartsWhatItSays(t *testing.T) {
	infra := []string{"mail", "postgres", "redis", "temporal"}
	app := []string{"api", "keys", "migrate", "worker"}
	telemetry := []string{"grafana", "jaeger", "otel-collector", "prometheus"}
	for _, c := range []struct{ profiles, want []string }{
		// `docker compose up` as it is.
		{nil, slices.Concat(infra, app)},
		{[]string{"infra"}, infra},
		// With services of somebody else: nothing of infra is waited for.
		{[]string{"app"}, app},
		{[]string{"telemetry"}, telemetry},
		{[]string{"tools"}, []string{"keys", "muster"}},
		{[]string{"infra", "app", "telemetry"}, slices.Concat(infra, app, telemetry)},
	} {
		project := compose(t, c.profiles...)
		got := project.ServiceNames()
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v instead of %v", c.profiles, got, c.want)
		}
		for _, wrong := range ComposeProblems(project) {
			t.Errorf("%v: %s", c.profiles, wrong)
		}
	}
}

func TestTheComposeCheckSeesWhatIsWrong(t *testing.T) {
	text := "x"
	for _, m := range []struct {
		said   string
		change func(api *types.ServiceConfig)
	}{
		{"everybody reaches", func(api *types.ServiceConfig) { api.Ports[0].HostIP = "" }},
		{"what is not there", func(api *types.ServiceConfig) {
			api.Volumes = []types.ServiceVolumeConfig{{Type: types.VolumeTypeBind, Source: "/not/there"}}
		}},
		{"of no release", func(api *types.ServiceConfig) { api.Image = "muster-api" }},
		{"a stage that", func(api *types.ServiceConfig) { api.Build.Target = "web" }},
		{"more than it needs", func(api *types.ServiceConfig) { api.ReadOnly = false }},
		{"reads DATABASE", func(api *types.ServiceConfig) { api.Environment["DATABASE"] = &text }},
		{"ask itself", func(api *types.ServiceConfig) { api.HealthCheck.Test = []string{"CMD-SHELL", "/app/api --healthcheck"} }},
		{"is killed", func(api *types.ServiceConfig) { *api.StopGracePeriod /= 3 }},
	} {
		project := compose(t)
		api := project.Services["api"]
		m.change(&api)
		project.Services["api"] = api
		if said := strings.Join(ComposeProblems(project), "\n"); !strings.Contains(said, m.said) {
			t.Errorf("says nothing of %q: %s", m.said, said)
		}
	}
}
