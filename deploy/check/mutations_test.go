package check

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(o *Objects, deployment string) *core.PodSpec {
	return &o.deployment(deployment).Spec.Template.Spec
}

// Each rule sees what it is there for: one change of good manifests, and what must be said of it.
func TestRulesSeeWhatIsWrong(t *testing.T) {
	yes, no, none, root := true, false, int32(0), int64(0)
	for _, m := range []struct {
		rule, said string
		change     func(*Objects)
	}{
		{"pods are locked down", "mounts a token", func(o *Objects) { pod(o, "muster-api").AutomountServiceAccountToken = &yes }},
		{"pods are locked down", "variables of services", func(o *Objects) { pod(o, "muster-api").EnableServiceLinks = nil }},
		{"pods are locked down", "as root", func(o *Objects) { pod(o, "muster-api").SecurityContext.RunAsUser = &root }},
		{"pods are locked down", "as root", func(o *Objects) { o.Jobs[0].Spec.Template.Spec.SecurityContext.RunAsNonRoot = &no }},
		{"pods are locked down", "no seccomp", func(o *Objects) { pod(o, "muster-worker-mail").SecurityContext.SeccompProfile = nil }},
		{"pods are locked down", "namespaces", func(o *Objects) { pod(o, "muster-api").HostPID = true }},
		{"pods are locked down", "gain privileges", func(o *Objects) { pod(o, "muster-api").Containers[0].SecurityContext.AllowPrivilegeEscalation = nil }},
		{"pods are locked down", "can write", func(o *Objects) { pod(o, "muster-api").Containers[0].SecurityContext.ReadOnlyRootFilesystem = &no }},
		{"pods are locked down", "capabilities", func(o *Objects) { pod(o, "muster-api").Containers[0].SecurityContext.Capabilities.Drop = nil }},
		{"pods are locked down", "privileged", func(o *Objects) { pod(o, "muster-api").Containers[0].SecurityContext.Privileged = &yes }},
		{"containers have resources, probes and a release", "no limit", func(o *Objects) { pod(o, "muster-api").Containers[0].Resources.Limits = nil }},
		{"containers have resources, probes and a release", "requests no", func(o *Objects) { pod(o, "muster-api").Containers[0].Resources.Requests = nil }},
		{"containers have resources, probes and a release", "no release", func(o *Objects) { pod(o, "muster-api").Containers[0].Image = "registry:5000/muster-api:latest" }},
		{"containers have resources, probes and a release", "no release", func(o *Objects) { o.Jobs[0].Spec.Template.Spec.Containers[0].Image = "registry:5000/muster" }},
		{"containers have resources, probes and a release", "no liveness", func(o *Objects) { pod(o, "muster-api").Containers[0].LivenessProbe = nil }},
		{"containers have resources, probes and a release", "no readiness", func(o *Objects) { pod(o, "muster-api").Containers[0].ReadinessProbe.HTTPGet.Path = "/health/live" }},
		{"containers have resources, probes and a release", "does not have", func(o *Objects) {
			pod(o, "muster-api").Containers[0].StartupProbe.HTTPGet.Port = intstr.FromString("web")
		}},
		{"secrets are files that are mounted", "not mounted", func(o *Objects) { pod(o, "muster-api").Containers[0].VolumeMounts = nil }},
		{"secrets are files that are mounted", "not mounted", func(o *Objects) { pod(o, "muster-api").Volumes[0].Projected.Sources[0].Secret.Items[0].Path = "url" }},
		{"secrets are files that are mounted", "nobody is told", func(o *Objects) { pod(o, "muster-api").Containers[0].Env = nil }},
		{"secrets are files that are mounted", "the mode 444", func(o *Objects) { *pod(o, "muster-api").Volumes[0].Projected.DefaultMode = 0o444 }},
		{"secrets are files that are mounted", "no projected", func(o *Objects) { pod(o, "muster-api").Volumes[0].Projected = nil }},
		{"secrets are files that are mounted", "set twice", func(o *Objects) {
			c := &pod(o, "muster-api").Containers[0]
			c.Env = append(c.Env, c.Env[0])
		}},
		{"secrets are files that are mounted", "not plain", func(o *Objects) {
			c := &pod(o, "muster-api").Containers[0]
			c.Env = append(c.Env, core.EnvVar{Name: "DATABASE_URL", ValueFrom: &core.EnvVarSource{}})
		}},
		{"what pods name exists", "account", func(o *Objects) { o.ServiceAccounts = nil }},
		{"what pods name exists", "settings", func(o *Objects) { o.ConfigMaps = nil }},
		{"what pods name exists", "volume", func(o *Objects) { pod(o, "muster-api").Volumes = nil }},
		{"what pods name exists", "leads nowhere", func(o *Objects) { o.Services = nil }},
		{"what pods name exists", "authentication", func(o *Objects) { o.Authentications = nil }},
		{"deployments find their own pods only", "do not go together", func(o *Objects) {
			delete(o.deployment("muster-api").Spec.Template.Labels, "app.kubernetes.io/component")
		}},
		{"deployments find their own pods only", "do not go together", func(o *Objects) {
			delete(o.deployment("muster-api").Spec.Selector.MatchLabels, "app.kubernetes.io/component")
		}},
		{"services and monitors find pods with their ports", "0 workloads", func(o *Objects) { o.Services[0].Spec.Selector["app.kubernetes.io/component"] = "web" }},
		{"services and monitors find pods with their ports", "0 workloads", func(o *Objects) { o.Services[0].Spec.Ports[0].TargetPort = intstr.FromString("web") }},
		{"services and monitors find pods with their ports", "no such port", func(o *Objects) { *o.PodMonitors[0].Spec.PodMetricsEndpoints[0].Port = "web" }},
		{"services and monitors find pods with their ports", "0 monitors", func(o *Objects) { o.PodMonitors = o.PodMonitors[:1] }},
		{"services and monitors find pods with their ports", "finds no pods", func(o *Objects) { o.PodMonitors[0].Spec.Selector.MatchLabels["a"] = "b" }},
		{"each deployment has a budget", "0 budgets", func(o *Objects) { o.Budgets = o.Budgets[1:] }},
		{"each deployment has a budget", "not for one", func(o *Objects) { o.Budgets[0].Spec.Selector.MatchLabels["a"] = "b" }},
		{"each deployment has a budget", "be drained", func(o *Objects) { o.Budgets[0].Spec.MaxUnavailable = nil }},
		{"autoscalers have one target each", "not there", func(o *Objects) { o.ScaledObjects[0].Spec.ScaleTargetRef.Name = "web" }},
		{"autoscalers have one target each", "nobody says", func(o *Objects) { o.ScaledObjects = o.ScaledObjects[1:] }},
		{"autoscalers have one target each", "both say", func(o *Objects) { o.deployment("muster-api").Spec.Replicas = &none }},
		{"autoscalers have one target each", "scaled by 2", func(o *Objects) { o.Autoscalers = append(o.Autoscalers, o.Autoscalers[0]) }},
		{"autoscalers have one target each", "more at least", func(o *Objects) { o.Autoscalers[0].Spec.MaxReplicas = 1 }},
		{"network policies apply to somebody and leave nobody out", "nobody", func(o *Objects) { o.Policies[0].Spec.PodSelector.MatchLabels["a"] = "b" }},
		{"network policies apply to somebody and leave nobody out", "nothing is denied", func(o *Objects) { o.Policies[0].Spec.PodSelector.MatchLabels["a"] = "b" }},
		{"network policies apply to somebody and leave nobody out", "port 5432", func(o *Objects) { o.Policies[1].Spec.Egress = nil }},
		{"network policies apply to somebody and leave nobody out", "no such port", func(o *Objects) { *o.Policies[1].Spec.Ingress[0].Ports[0].Port = intstr.FromString("web") }},
		{"network policies apply to somebody and leave nobody out", "no part of", func(o *Objects) {
			for _, p := range o.Policies {
				if p.Name == "muster-webhooks" {
					p.Spec.Egress[0].To[1].IPBlock.Except = []string{"fc00::/7"}
				}
			}
		}},
		{"workers serve every queue", "0 groups serve muster-mail", func(o *Objects) { setVariable(pod(o, "muster-worker-mail"), "WORKER_QUEUES", "") }},
		{"workers serve every queue", "2 groups", func(o *Objects) { setVariable(pod(o, "muster-worker-mail"), "WORKER_QUEUES", "mail,webhooks") }},
		{"workers serve every queue", "nobody knows", func(o *Objects) { setVariable(pod(o, "muster-worker-mail"), "WORKER_QUEUES", "mails") }},
		{"triggers ask for what workers serve", "its deployment serves", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Metadata["taskQueue"] = "control" }},
		{"triggers ask for what workers serve", "no longer", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Metadata["buildId"] = "1.4.0" }},
		{"triggers ask for what workers serve", "KEDA needs endpoint", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Metadata["endpoint"] = "" }},
		{"triggers ask for what workers serve", "another build", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Metadata["workerDeploymentBuildId"] = "1.4.0" }},
		{"triggers ask for what workers serve", "another namespace", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Metadata["namespace"] = "other" }},
		{"triggers ask for what workers serve", "of type cron", func(o *Objects) { o.ScaledObjects[0].Spec.Triggers[0].Type = "cron" }},
		{"triggers ask for what workers serve", "KEDA knows no token", func(o *Objects) { o.Authentications[0].Spec.SecretTargetRef[0].Parameter = "token" }},
		{"pods have time to drain", "is killed", func(o *Objects) { pod(o, "muster-api").TerminationGracePeriodSeconds = &root }},
		{"pods have time to drain", "is killed", func(o *Objects) { setVariable(pod(o, "muster-worker-mail"), "WORKER_GRACE_SECONDS", "60") }},
		{"pods have time to drain", "still sent", func(o *Objects) { pod(o, "muster-api").Containers[0].Lifecycle = nil }},
		{"hooks use nothing of the release", "before the release", func(o *Objects) { o.Jobs[0].Annotations = nil }},
		{"hooks use nothing of the release", "an account", func(o *Objects) { o.Jobs[0].Spec.Template.Spec.ServiceAccountName = "muster-api" }},
		{"hooks use nothing of the release", "settings", func(o *Objects) {
			o.Jobs[0].Spec.Template.Spec.Containers[0].EnvFrom = pod(o, "muster-api").Containers[0].EnvFrom
		}},
		{"hooks use nothing of the release", "comes after", func(o *Objects) { o.Policies[len(o.Policies)-1].Annotations = nil }},
		{"settings are known", "reads WORKER_QUEUE", func(o *Objects) { pod(o, "muster-worker-mail").Containers[0].Env[0].Name = "WORKER_QUEUE" }},
		{"settings are known", "reads LOG_LEVELS", func(o *Objects) {
			for _, c := range o.ConfigMaps {
				c.Data["LOG_LEVELS"] = "info"
			}
		}},
	} {
		objects := render(t, "everything")
		m.change(objects)
		said := strings.Join(ruleNamed(t, m.rule)(objects), "\n")
		if !strings.Contains(said, m.said) {
			t.Errorf("%s: says nothing of %q: %s", m.rule, m.said, said)
		}
	}
}

func ruleNamed(t *testing.T, name string) func(*Objects) []string {
	t.Helper()
	for _, rule := range Rules() {
		if rule.Name == name {
			return rule.Check
		}
	}
	t.Fatalf("there is no rule %q", name)
	return nil
}

func setVariable(pod *core.PodSpec, name, text string) {
	for i := range pod.Containers[0].Env {
		if pod.Containers[0].Env[i].Name == name {
			pod.Containers[0].Env[i].Value = text
		}
	}
}

func TestFieldsThatNobodyKnowsAreRefused(t *testing.T) {
	for document, said := range map[string]string{
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selectors: {a: b}}":                      "selectors",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {Selector: {a: b}}":                       "Selector",
		"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {minReplicas: 1}":      "minReplicas",
		"apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: a}\nspec: {endpoints: []}": "endpoints",
		"apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}":                                 "nobody knows",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nmetadata: {name: b}":                            "already",
	} {
		_, err := Decode([]string{document})
		if err == nil || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: %v", document, err)
		}
	}
	twice := "apiVersion: v1\nkind: Service\nmetadata: {name: a}"
	if _, err := Decode([]string{twice, twice}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two of one name: %v", err)
	}
}
