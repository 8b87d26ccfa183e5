package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
)

// Dockerfile is the text of the Dockerfile.
func Dockerfile() ([]byte, error) { return os.ReadFile(Root + "/Dockerfile") }

// No registry is asked: for the linter and for what is built, base images are empty.
type noRegistry struct{}

func (noRegistry) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(image.DockerOCIImage{})
	return ref, digest.FromBytes(config), config, err
}

// Lint gives the warnings of BuildKit's own linter, for all stages.
func Lint(dockerfile []byte) ([]string, error) {
	results, err := dockerfile2llb.DockerfileLint(context.Background(), dockerfile, options(""))
	if err != nil {
		return nil, err
	}
	var warnings []string
	for _, warning := range results.Warnings {
		warnings = append(warnings, warning.RuleName+": "+warning.Detail)
	}
	if results.Error != nil {
		warnings = append(warnings, results.Error.Message)
	}
	return warnings, nil
}

func options(target string) dockerfile2llb.ConvertOpt {
	options := dockerfile2llb.ConvertOpt{MetaResolver: noRegistry{}}
	options.Target = target
	options.SourceMap = llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", nil)
	options.SourceMap.Definition = &llb.Definition{}
	return options
}

// Stages are the names of the stages of the Dockerfile.
func Stages() ([]string, error) {
	text, err := Dockerfile()
	if err != nil {
		return nil, err
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, stage := range stages {
		names = append(names, stage.Name)
	}
	return names, nil
}

// ImageProblems says what is wrong with the image of a program: BuildKit says what would be in it.
func ImageProblems(dockerfile []byte, program string) (wrong []string, err error) {
	built, err := dockerfile2llb.Dockerfile2LLB(context.Background(), dockerfile, options(program))
	if err != nil {
		return nil, err
	}
	config := built.Image.Config
	if user, _, _ := strings.Cut(config.User, ":"); user == "" || user == "root" || user == "0" {
		wrong = append(wrong, "runs as root")
	}
	if !slices.Equal(config.Entrypoint, []string{"/app/" + program}) {
		wrong = append(wrong, fmt.Sprintf("starts %v", config.Entrypoint))
	}
	if config.Labels["org.opencontainers.image.revision"] == "" && !strings.Contains(string(dockerfile), "image.revision=") {
		wrong = append(wrong, "does not say what it was built from")
	}
	var names []string
	for _, line := range config.Env {
		if name, _, _ := strings.Cut(line, "="); name != "PATH" {
			names = append(names, name)
		}
	}
	unknown, err := Unknown(names)
	for _, name := range unknown {
		wrong = append(wrong, "nobody reads "+name)
	}
	if program == "muster" {
		return wrong, err
	}
	health := config.Healthcheck
	if health == nil || !slices.Equal(health.Test, []string{"CMD", "/app/" + program, "--healthcheck"}) {
		wrong = append(wrong, "does not ask itself how it is")
	}
	return wrong, err
}
