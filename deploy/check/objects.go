package check

import (
	"errors"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Objects are the manifests of one rendering, in the types of those who read them.
type Objects struct {
	ConfigMaps      []*core.ConfigMap
	ServiceAccounts []*core.ServiceAccount
	Services        []*core.Service
	Deployments     []*apps.Deployment
	Jobs            []*batch.Job
	Budgets         []*policy.PodDisruptionBudget
	Autoscalers     []*autoscaling.HorizontalPodAutoscaler
	Policies        []*networking.NetworkPolicy
	Ingresses       []*networking.Ingress
	ScaledObjects   []*keda.ScaledObject
	Authentications []*keda.TriggerAuthentication
	PodMonitors     []*monitoring.PodMonitor
	Rules           []*monitoring.PrometheusRule
}

// Decode reads documents. A field that its type does not have is an error, and so is a kind that is not in Objects.
func Decode(documents []string) (*Objects, error) {
	objects := &Objects{}
	seen := map[string]bool{}
	for _, document := range documents {
		data, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		var head meta.PartialObjectMetadata
		if err := json.UnmarshalCaseSensitivePreserveInts(data, &head); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		name := fmt.Sprintf("%s %s %s", head.APIVersion, head.Kind, head.Name)
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := objects.add(&head, data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return objects, nil
}

func (o *Objects) add(head *meta.PartialObjectMetadata, data []byte) error {
	switch head.APIVersion + " " + head.Kind {
	case "v1 ConfigMap":
		return keep(&o.ConfigMaps, data)
	case "v1 ServiceAccount":
		return keep(&o.ServiceAccounts, data)
	case "v1 Service":
		return keep(&o.Services, data)
	case "apps/v1 Deployment":
		return keep(&o.Deployments, data)
	case "batch/v1 Job":
		return keep(&o.Jobs, data)
	case "policy/v1 PodDisruptionBudget":
		return keep(&o.Budgets, data)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return keep(&o.Autoscalers, data)
	case "networking.k8s.io/v1 NetworkPolicy":
		return keep(&o.Policies, data)
	case "networking.k8s.io/v1 Ingress":
		return keep(&o.Ingresses, data)
	case "keda.sh/v1alpha1 ScaledObject":
		return keep(&o.ScaledObjects, data)
	case "keda.sh/v1alpha1 TriggerAuthentication":
		return keep(&o.Authentications, data)
	case "monitoring.coreos.com/v1 PodMonitor":
		return keep(&o.PodMonitors, data)
	case "monitoring.coreos.com/v1 PrometheusRule":
		return keep(&o.Rules, data)
	default:
		return errors.New("nobody knows what this is: add its type to Objects")
	}
}

func keep[T any](list *[]*T, data []byte) error {
	value := new(T)
	// As the API server reads: case matters, and what is unknown or there twice is told.
	unknown, err := json.UnmarshalStrict(data, value)
	if err := errors.Join(append(unknown, err)...); err != nil {
		return err
	}
	*list = append(*list, value)
	return nil
}

// Workload is what has pods: a Deployment or a Job.
type Workload struct {
	Kind string
	Meta *meta.ObjectMeta
	Pod  *core.PodTemplateSpec
}

func (w Workload) String() string { return w.Kind + " " + w.Meta.Name }

// Workloads gives everything that has pods.
func (o *Objects) Workloads() []Workload {
	var all []Workload
	for _, d := range o.Deployments {
		all = append(all, Workload{"Deployment", &d.ObjectMeta, &d.Spec.Template})
	}
	for _, j := range o.Jobs {
		all = append(all, Workload{"Job", &j.ObjectMeta, &j.Spec.Template})
	}
	return all
}
