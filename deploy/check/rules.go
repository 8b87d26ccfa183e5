package check

import (
	"fmt"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// Rule looks at all manifests together and says what is wrong.
type Rule struct {
	Name  string
	Check func(*Objects) []string
}

// Rules are all rules of the chart.
func Rules() []Rule {
	return []Rule{
		{"pods are locked down", lockedDown},
		{"containers have resources, probes and a release", wellKept},
		{"secrets are files that are mounted", secretsAreMounted},
		{"what pods name exists", namesExist},
		{"deployments find their own pods only", ownPods},
		{"services and monitors find pods with their ports", portsExist},
		{"each deployment has a budget", budgets},
		{"autoscalers have one target each", autoscalers},
		{"network policies apply to somebody and leave nobody out", policies},
		{"workers serve every queue", queuesServed},
		{"triggers ask for what workers serve", triggers},
		{"pods have time to drain", timeToDrain},
		{"hooks use nothing of the release", hooksStandAlone},
		{"settings are known", settingsKnown},
	}
}

func lockedDown(o *Objects) (wrong []string) {
	say := func(w Workload, what string) { wrong = append(wrong, fmt.Sprintf("%s: %s", w, what)) }
	for _, w := range o.Workloads() {
		pod := w.Pod.Spec
		if !isFalse(pod.AutomountServiceAccountToken) {
			say(w, "mounts a token of its service account")
		}
		if !isFalse(pod.EnableServiceLinks) {
			say(w, "gets variables of services, which may be taken for ours")
		}
		context := pod.SecurityContext
		if context == nil || !isTrue(context.RunAsNonRoot) || context.RunAsUser == nil || *context.RunAsUser == 0 {
			say(w, "may run as root")
		}
		if context == nil || context.SeccompProfile == nil || context.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			say(w, "has no seccomp profile")
		}
		if pod.HostNetwork || pod.HostPID || pod.HostIPC {
			say(w, "shares namespaces of its node")
		}
		for _, c := range containers(&pod) {
			own := c.SecurityContext
			if own == nil || !isFalse(own.AllowPrivilegeEscalation) {
				say(w, c.Name+" may gain privileges")
			}
			if own == nil || !isTrue(own.ReadOnlyRootFilesystem) {
				say(w, c.Name+" can write to its root file system")
			}
			if own == nil || own.Capabilities == nil || len(own.Capabilities.Drop) != 1 || own.Capabilities.Drop[0] != "ALL" ||
				len(own.Capabilities.Add) > 0 {
				say(w, c.Name+" has capabilities")
			}
			if own != nil && (isTrue(own.Privileged) || isFalse(own.RunAsNonRoot) || own.RunAsUser != nil) {
				say(w, c.Name+" has an account of its own or is privileged")
			}
		}
	}
	return wrong
}

func wellKept(o *Objects) (wrong []string) {
	for _, w := range o.Workloads() {
		for _, c := range containers(&w.Pod.Spec) {
			say := func(what string) { wrong = append(wrong, fmt.Sprintf("%s: %s %s", w, c.Name, what)) }
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
				say("requests no processor or no memory")
			}
			if c.Resources.Limits.Memory().IsZero() {
				say("has no limit of memory")
			}
			_, tag, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
			if tag == "" || tag == "latest" {
				say("runs an image of no release: " + c.Image)
			}
			if w.Kind == "Job" {
				continue
			}
			for name, probe := range map[string]*core.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
				want := map[string]string{"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}[name]
				if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != want {
					say("has no " + name + " probe of " + want)
				} else if !hasPort(&w.Pod.Spec, probe.HTTPGet.Port) {
					say("has a " + name + " probe of a port that it does not have")
				}
			}
		}
	}
	return wrong
}

func ownPods(o *Objects) (wrong []string) {
	for _, d := range o.Deployments {
		for _, w := range o.Workloads() {
			own := w.Kind == "Deployment" && w.Meta.Name == d.Name
			if finds(d.Spec.Selector, w.Pod.Labels) != own {
				wrong = append(wrong, fmt.Sprintf("Deployment %s: its selector and the labels of %s do not go together", d.Name, w))
			}
		}
	}
	return wrong
}

func budgets(o *Objects) (wrong []string) {
	for _, d := range o.Deployments {
		count := 0
		for _, b := range o.Budgets {
			if finds(b.Spec.Selector, d.Spec.Template.Labels) {
				count++
			}
		}
		if len(o.Budgets) > 0 && count != 1 {
			wrong = append(wrong, fmt.Sprintf("Deployment %s has %d budgets", d.Name, count))
		}
	}
	for _, b := range o.Budgets {
		if len(o.found(b.Spec.Selector)) != 1 {
			wrong = append(wrong, fmt.Sprintf("PodDisruptionBudget %s is not for one deployment", b.Name))
		}
		if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() < 1 {
			wrong = append(wrong, fmt.Sprintf("PodDisruptionBudget %s lets no node be drained", b.Name))
		}
	}
	return wrong
}

func autoscalers(o *Objects) (wrong []string) {
	scaled := map[string]int{}
	target := func(by, version, kind, name string, least, most int32) {
		d := o.deployment(name)
		if version != apps.SchemeGroupVersion.String() || kind != "Deployment" || d == nil {
			wrong = append(wrong, by+" scales something that is not there")
			return
		}
		scaled[name]++
		if d.Spec.Replicas != nil {
			wrong = append(wrong, by+" and its deployment both say how many")
		}
		if least > most {
			wrong = append(wrong, by+" wants more at least than at most")
		}
	}
	for _, a := range o.Autoscalers {
		t := a.Spec.ScaleTargetRef
		target("HorizontalPodAutoscaler "+a.Name, t.APIVersion, t.Kind, t.Name, value(a.Spec.MinReplicas), a.Spec.MaxReplicas)
	}
	for _, s := range o.ScaledObjects {
		t := s.Spec.ScaleTargetRef
		target("ScaledObject "+s.Name, t.APIVersion, t.Kind, t.Name, value(s.Spec.MinReplicaCount), value(s.Spec.MaxReplicaCount))
	}
	for _, d := range o.Deployments {
		if n := scaled[d.Name]; n > 1 {
			wrong = append(wrong, fmt.Sprintf("Deployment %s is scaled by %d", d.Name, n))
		} else if n == 0 && d.Spec.Replicas == nil {
			wrong = append(wrong, fmt.Sprintf("Deployment %s: nobody says how many", d.Name))
		}
	}
	return wrong
}
