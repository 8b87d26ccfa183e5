package check

import (
	"fmt"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
)

// Which queues a worker of this deployment serves, as Temporal knows them. Who serves `import` serves `small`, too.
func serves(d *apps.Deployment) []string {
	var queues []string
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, name := range strings.FieldsFunc(variable(&c, "WORKER_QUEUES"), func(r rune) bool { return r == ',' }) {
			queues = append(queues, "muster-"+name)
		}
	}
	if slices.Contains(queues, "muster-import") && !slices.Contains(queues, "muster-small") {
		queues = append(queues, "muster-small")
	}
	return queues
}

func build(d *apps.Deployment) string {
	return variable(&d.Spec.Template.Spec.Containers[0], "WORKER_BUILD_ID")
}

// Workers of each build together serve every queue: a pinned workflow has nobody else.
func queuesServed(o *Objects) (wrong []string) {
	all, err := Queues()
	if err != nil {
		return []string{err.Error()}
	}
	served := map[string][]string{}
	for _, d := range o.Deployments {
		queues := serves(d)
		if len(queues) == 0 {
			continue
		}
		served[build(d)] = append(served[build(d)], queues...)
		for _, queue := range queues {
			if !slices.Contains(all, queue) {
				wrong = append(wrong, fmt.Sprintf("Deployment %s serves %s, which nobody knows", d.Name, queue))
			}
		}
	}
	if len(served) == 0 {
		return []string{"there are no workers"}
	}
	for build, queues := range served {
		for _, queue := range all {
			if n := count(queues, queue); n != 1 {
				wrong = append(wrong, fmt.Sprintf("build %q: %d groups serve %s", build, n, queue))
			}
		}
	}
	return wrong
}

func count(list []string, text string) (n int) {
	for _, item := range list {
		if item == text {
			n++
		}
	}
	return n
}

// Each trigger is one that KEDA understands, and there is one for each queue of the target.
func triggers(o *Objects) (wrong []string) {
	if len(o.ScaledObjects) == 0 {
		return nil
	}
	scaler, err := TemporalScaler()
	if err != nil {
		return []string{err.Error()}
	}
	for _, s := range o.ScaledObjects {
		d := o.deployment(s.Spec.ScaleTargetRef.Name)
		if d == nil {
			continue
		}
		var asked []string
		for _, t := range s.Spec.Triggers {
			if t.Type != "temporal" {
				wrong = append(wrong, fmt.Sprintf("ScaledObject %s: a trigger of type %s", s.Name, t.Type))
				continue
			}
			asked = append(asked, t.Metadata["taskQueue"])
			wrong = append(wrong, prefixed(s.Name, scaler.Problems(t.Metadata))...)
			if t.Metadata["workerDeploymentBuildId"] != build(d) {
				wrong = append(wrong, fmt.Sprintf("ScaledObject %s looks at another build than its deployment", s.Name))
			}
			if t.Metadata["namespace"] != o.ConfigMaps[0].Data["TEMPORAL_NAMESPACE"] {
				wrong = append(wrong, fmt.Sprintf("ScaledObject %s looks at another namespace", s.Name))
			}
		}
		served := serves(d)
		slices.Sort(served)
		slices.Sort(asked)
		if !slices.Equal(served, asked) {
			wrong = append(wrong, fmt.Sprintf("ScaledObject %s looks at %v and its deployment serves %v", s.Name, asked, served))
		}
	}
	for _, a := range o.Authentications {
		for _, ref := range a.Spec.SecretTargetRef {
			if !scaler.Secret(ref.Parameter) {
				wrong = append(wrong, fmt.Sprintf("TriggerAuthentication %s: KEDA knows no %s", a.Name, ref.Parameter))
			}
		}
	}
	return wrong
}

func prefixed(name string, lines []string) []string {
	for i := range lines {
		lines[i] = "ScaledObject " + name + ": " + lines[i]
	}
	return lines
}

// A pod is killed only after what it was given to end has ended.
func timeToDrain(o *Objects) (wrong []string) {
	grace, err := APIGrace()
	if err != nil {
		return []string{err.Error()}
	}
	for _, d := range o.Deployments {
		pod := d.Spec.Template.Spec
		c := pod.Containers[0]
		needed := grace
		if c.Name == "worker" {
			needed = seconds(variable(&c, "WORKER_GRACE_SECONDS"))
		}
		if c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
			needed += c.Lifecycle.PreStop.Sleep.Seconds
		} else if c.Name == "api" {
			wrong = append(wrong, fmt.Sprintf("Deployment %s ends while requests are still sent to it", d.Name))
		}
		if needed <= 0 || value(pod.TerminationGracePeriodSeconds) <= needed {
			wrong = append(wrong, fmt.Sprintf("Deployment %s is killed before its %d s are over", d.Name, needed))
		}
	}
	return wrong
}
