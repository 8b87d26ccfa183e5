package check

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestTheSchemaRefusesWhatIsMisspeltOrOfAWrongType(t *testing.T) {
	// By what the refusal must name.
	for values, named := range map[string]string{
		"api: {replicas: two}":           "/api/replicas",
		"api: {replica: 2}":              "replica",
		"settings: {UPLOAD_MAX_ROWS: 5}": "/settings/UPLOAD_MAX_ROWS",
		"settings: {DATABASE_URL: 'postgres://app:secret@db/muster'}": "DATABASE_URL",
		"image: {tag: latest}":                                               "/image/tag",
		"image: {tag: 1.10}":                                                 "/image/tag",
		"workers: {groups: {mail: {queues: [mails]}}}":                       "/workers/groups/mail/queues",
		"workers: {groups: {mail: {minReplicas: 0}}}":                        "/workers/groups/mail/minReplicas",
		"workers: {groups: {import: {resources: {limits: {memory: null}}}}}": "/workers/groups/import/resources/limits",
		"workers: {versioning: {previous: [{buildId: a}]}}":                  "/workers/versioning/previous/0",
		"api: {terminationGracePeriodSeconds: 30}":                           "/api/terminationGracePeriodSeconds",
		"temporal: {address: 'https://temporal:7233'}":                       "/temporal/address",
		"secrets: {database: {existingSecret: ''}}":                          "/secrets/database",
		"networkPolicies: {postgres: {port: '5432'}}":                        "/networkPolicies/postgres/port",
		"kedas: {enabled: true}":                                             "kedas",
	} {
		parsed := map[string]any{}
		if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
			t.Fatal(err)
		}
		_, err := Render(parsed)
		if err == nil {
			t.Errorf("%s is taken", values)
		} else if !strings.Contains(err.Error(), named) {
			t.Errorf("%s is refused, but not for %s: %v", values, named, err)
		}
	}
}

func TestOnlyRowsNeedNoWorkerThatWaits(t *testing.T) {
	values := map[string]any{"workers": map[string]any{"groups": map[string]any{"import": map[string]any{"minReplicas": 0}}}}
	if _, err := Render(values); err != nil {
		t.Error(err)
	}
}
