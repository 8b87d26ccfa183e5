package check

import (
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// Whether the selector finds pods with these labels. One that cannot be read finds none, and one without conditions all.
func finds(selector *meta.LabelSelector, of map[string]string) bool {
	s, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(of))
}

func (o *Objects) found(selector *meta.LabelSelector) (found []Workload) {
	for _, w := range o.Workloads() {
		if finds(selector, w.Pod.Labels) {
			found = append(found, w)
		}
	}
	return found
}

func (o *Objects) deployment(name string) *apps.Deployment {
	for _, d := range o.Deployments {
		if d.Name == name {
			return d
		}
	}
	return nil
}

func containers(pod *core.PodSpec) []core.Container {
	return slices.Concat(pod.InitContainers, pod.Containers)
}

// Whether a container of the pod listens on the port, by name or number.
func hasPort(pod *core.PodSpec, port intstr.IntOrString) bool {
	for _, c := range containers(pod) {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return true
			}
		}
	}
	return false
}

// The value of a variable of a container; what comes from elsewhere is empty.
func variable(c *core.Container, name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}
