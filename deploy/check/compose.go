package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// Ours are the services of the compose file that run programs of ours.
var Ours = []string{"api", "worker", "migrate", "muster"}

// Compose loads the compose file as `docker compose` does, with these profiles; without any it takes those of `.env`.
func Compose(profiles ...string) (*types.Project, error) {
	options := []cli.ProjectOptionsFn{
		cli.WithWorkingDirectory(Root),
		// And nothing of the environment of whoever runs this.
		cli.WithEnv(nil),
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(profiles...),
	}
	project, err := cli.NewProjectOptions([]string{Root + "/docker-compose.yml"}, options...)
	if err != nil {
		return nil, err
	}
	return project.LoadProject(context.Background())
}

// ComposeProblems says what is wrong with the services that are started.
func ComposeProblems(p *types.Project) (wrong []string) {
	stages, err := Stages()
	if err != nil {
		return []string{err.Error()}
	}
	for name, service := range p.Services {
		say := func(what string) { wrong = append(wrong, name+": "+what) }
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				say("everybody reaches port " + port.Published)
			}
		}
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				say("mounts what is not there: " + filepath.Base(volume.Source))
			}
		}
		if _, tag, _ := strings.Cut(service.Image, ":"); tag == "" || tag == "latest" {
			say("runs an image of no release: " + service.Image)
		}
		if slices.Contains(Ours, name) {
			wrong = append(wrong, oursProblems(name, service, stages)...)
		}
	}
	return wrong
}

func oursProblems(name string, service types.ServiceConfig, stages []string) (wrong []string) {
	say := func(what string) { wrong = append(wrong, name+": "+what) }
	if service.Build == nil || !slices.Contains(stages, service.Build.Target) {
		say("is built from a stage that is not there")
	}
	if !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") {
		say("may more than it needs")
	}
	var names []string
	for variable := range service.Environment {
		names = append(names, variable)
	}
	unknown, err := Unknown(names)
	if err != nil {
		say(err.Error())
	}
	for _, variable := range unknown {
		say("nobody reads " + variable)
	}
	if name != "api" && name != "worker" {
		return wrong
	}
	if service.HealthCheck == nil || !slices.Equal(service.HealthCheck.Test, []string{"CMD", "/app/" + name, "--healthcheck"}) {
		say("does not ask itself how it is")
	}
	grace, err := APIGrace()
	if err != nil {
		say(err.Error())
	}
	if name == "worker" {
		grace = 10
	}
	if service.StopGracePeriod == nil || int64(*service.StopGracePeriod)/1e9 <= grace {
		say(fmt.Sprintf("is killed before its %d s are over", grace))
	}
	return wrong
}
