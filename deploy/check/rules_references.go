package check

import (
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where files of secrets are.
const secretsDir = "/run/secrets/muster/"

func secretsAreMounted(o *Objects) (wrong []string) {
	for _, w := range o.Workloads() {
		files := map[string]bool{}
		for _, v := range w.Pod.Spec.Volumes {
			if v.Projected == nil {
				wrong = append(wrong, fmt.Sprintf("%s: %s is no projected volume", w, v.Name))
				continue
			}
			// The group is fsGroup: nobody else may read.
			if value(v.Projected.DefaultMode) != 0o440 {
				wrong = append(wrong, fmt.Sprintf("%s: files of %s have the mode %o", w, v.Name, value(v.Projected.DefaultMode)))
			}
			for _, source := range v.Projected.Sources {
				for _, item := range source.Secret.Items {
					files[secretsDir+item.Path] = false
				}
			}
		}
		for _, c := range containers(&w.Pod.Spec) {
			names := map[string]bool{}
			for _, e := range c.Env {
				if names[e.Name] {
					wrong = append(wrong, fmt.Sprintf("%s: %s is set twice", w, e.Name))
				}
				names[e.Name] = true
				if e.ValueFrom != nil {
					wrong = append(wrong, fmt.Sprintf("%s: %s is not plain: secrets are files", w, e.Name))
				}
				if !strings.HasPrefix(e.Value, secretsDir) {
					continue
				}
				if _, there := files[e.Value]; !there || !mounts(&c, secretsDir) {
					wrong = append(wrong, fmt.Sprintf("%s: %s names a file that is not mounted", w, e.Name))
				}
				files[e.Value] = true
			}
		}
		for file, used := range files {
			if !used {
				wrong = append(wrong, fmt.Sprintf("%s: nobody is told of %s", w, file))
			}
		}
	}
	return wrong
}

func mounts(c *core.Container, dir string) bool {
	return slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath+"/" == dir && m.ReadOnly })
}

func namesExist(o *Objects) (wrong []string) {
	for _, w := range o.Workloads() {
		account := w.Pod.Spec.ServiceAccountName
		if account != "" && !slices.ContainsFunc(o.ServiceAccounts, func(a *core.ServiceAccount) bool { return a.Name == account }) {
			wrong = append(wrong, fmt.Sprintf("%s: its account %s is not there", w, account))
		}
		volumes := map[string]bool{}
		for _, v := range w.Pod.Spec.Volumes {
			volumes[v.Name] = true
		}
		for _, c := range containers(&w.Pod.Spec) {
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					wrong = append(wrong, fmt.Sprintf("%s: its volume %s is not there", w, m.Name))
				}
			}
			for _, from := range c.EnvFrom {
				if from.ConfigMapRef == nil || o.configMap(from.ConfigMapRef.Name) == nil {
					wrong = append(wrong, fmt.Sprintf("%s: its settings are not there", w))
				}
			}
		}
	}
	for _, i := range o.Ingresses {
		for _, rule := range i.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				to := path.Backend.Service
				if to == nil || !o.hasService(to.Name, to.Port.Name) {
					wrong = append(wrong, fmt.Sprintf("Ingress %s leads nowhere", i.Name))
				}
			}
		}
	}
	for _, s := range o.ScaledObjects {
		for _, t := range s.Spec.Triggers {
			if t.AuthenticationRef != nil && !o.hasAuthentication(t.AuthenticationRef.Name) {
				wrong = append(wrong, fmt.Sprintf("ScaledObject %s: its authentication is not there", s.Name))
			}
		}
	}
	return wrong
}

func (o *Objects) configMap(name string) *core.ConfigMap {
	for _, c := range o.ConfigMaps {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (o *Objects) hasService(name, port string) bool {
	for _, s := range o.Services {
		if s.Name == name && slices.ContainsFunc(s.Spec.Ports, func(p core.ServicePort) bool { return p.Name == port }) {
			return true
		}
	}
	return false
}

func (o *Objects) hasAuthentication(name string) bool {
	for _, a := range o.Authentications {
		if a.Name == name {
			return true
		}
	}
	return false
}

func portsExist(o *Objects) (wrong []string) {
	for _, s := range o.Services {
		for _, p := range s.Spec.Ports {
			count := 0
			for _, w := range o.Workloads() {
				if len(s.Spec.Selector) > 0 && includes(w.Pod.Labels, s.Spec.Selector) && hasPort(&w.Pod.Spec, p.TargetPort) {
					count++
				}
			}
			if count != 1 {
				wrong = append(wrong, fmt.Sprintf("Service %s: its port %s is one of %d workloads", s.Name, p.Name, count))
			}
		}
	}
	for _, m := range o.PodMonitors {
		found := o.found(&m.Spec.Selector)
		if len(found) == 0 {
			wrong = append(wrong, fmt.Sprintf("PodMonitor %s finds no pods", m.Name))
		}
		for _, w := range found {
			for _, e := range m.Spec.PodMetricsEndpoints {
				if e.Port == nil || !hasPort(&w.Pod.Spec, intstr.FromString(*e.Port)) {
					wrong = append(wrong, fmt.Sprintf("PodMonitor %s: %s has no such port", m.Name, w))
				}
			}
		}
	}
	for _, d := range o.Deployments {
		seen := 0
		for _, m := range o.PodMonitors {
			if finds(&m.Spec.Selector, d.Spec.Template.Labels) {
				seen++
			}
		}
		if len(o.PodMonitors) > 0 && seen != 1 {
			wrong = append(wrong, fmt.Sprintf("Deployment %s: %d monitors", d.Name, seen))
		}
	}
	return wrong
}

func includes(all, some map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}

// Hooks run before what belongs to the release is there.
func hooksStandAlone(o *Objects) (wrong []string) {
	for _, j := range o.Jobs {
		if j.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
			wrong = append(wrong, fmt.Sprintf("Job %s does not run before the release", j.Name))
		}
		if j.Spec.Template.Spec.ServiceAccountName != "" {
			wrong = append(wrong, fmt.Sprintf("Job %s needs an account of the release", j.Name))
		}
		for _, c := range containers(&j.Spec.Template.Spec) {
			if len(c.EnvFrom) > 0 {
				wrong = append(wrong, fmt.Sprintf("Job %s needs settings of the release", j.Name))
			}
		}
		for _, p := range o.Policies {
			if finds(&p.Spec.PodSelector, j.Spec.Template.Labels) && len(p.Spec.Egress) > 0 &&
				p.Annotations["helm.sh/hook"] != j.Annotations["helm.sh/hook"] {
				wrong = append(wrong, fmt.Sprintf("Job %s needs the policy %s, which comes after it", j.Name, p.Name))
			}
		}
	}
	return wrong
}
