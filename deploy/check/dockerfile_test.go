package check

import (
	"bytes"
	"strings"
	"testing"
)

func dockerfile(t *testing.T) []byte {
	t.Helper()
	text, err := Dockerfile()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheDockerfileHasNoWarnings(t *testing.T) {
	warnings, err := Lint(dockerfile(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range warnings {
		t.Error(warning)
	}
}

func TestTheLinterWarns(t *testing.T) {
	for was, wrong := range map[string][2]string{
		`ENTRYPOINT ["/app/api"]`:      {"ENTRYPOINT /app/api", "JSONArgsRecommended"},
		"FROM runtime AS muster":       {"FROM runtime as muster", "FromAsCasing"},
		"WORKDIR /app":                 {"WORKDIR app", "WorkdirRelativePath"},
		"ENV HOST=0.0.0.0 PORT=8080":   {"ENV HOST 0.0.0.0", "LegacyKeyValueFormat"},
		"image.version=\"${VERSION}\"": {"image.version=\"${VERSON}\"", "UndefinedVar"},
	} {
		text := bytes.Replace(dockerfile(t), []byte(was), []byte(wrong[0]), 1)
		warnings, err := Lint(text)
		said := strings.Join(warnings, "\n")
		if err != nil {
			said += err.Error()
		}
		if !strings.Contains(said, wrong[1]) {
			t.Errorf("%s: %q", wrong[0], said)
		}
	}
}

func TestImagesAreOneProgramThatMayDoNothingElse(t *testing.T) {
	for _, program := range []string{"api", "worker", "muster"} {
		wrong, err := ImageProblems(dockerfile(t), program)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range wrong {
			t.Errorf("%s: %s", program, what)
		}
	}
}

func TestTheImageCheckSeesWhatIsWrong(t *testing.T) {
	for was, wrong := range map[string][2]string{
		"USER nonroot:nonroot":     {"USER 0:0", "runs as root"},
		`ENTRYPOINT ["/app/api"]`:  {`ENTRYPOINT ["/bin/sh"]`, "starts"},
		"ENV HOST=0.0.0.0":         {"ENV HOSTS=0.0.0.0", "reads HOSTS"},
		`CMD ["/app/api", "--heal`: {`CMD ["/app/api", "--hail`, "ask itself"},
		"image.revision=":          {"image.rev=", "built from"},
	} {
		text := bytes.Replace(dockerfile(t), []byte(was), []byte(wrong[0]), 1)
		said, err := ImageProblems(text, "api")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(said, "\n"), wrong[1]) {
			t.Errorf("%s: %v", wrong[0], said)
		}
	}
}
