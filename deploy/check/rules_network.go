package check

import (
	"fmt"
	"net/netip"
	"slices"

	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func policies(o *Objects) (wrong []string) {
	if len(o.Policies) == 0 {
		return nil
	}
	for _, p := range o.Policies {
		found := o.found(&p.Spec.PodSelector)
		if len(found) == 0 {
			wrong = append(wrong, fmt.Sprintf("NetworkPolicy %s applies to nobody", p.Name))
		}
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				for _, w := range found {
					if port.Port == nil || !hasPort(&w.Pod.Spec, *port.Port) {
						wrong = append(wrong, fmt.Sprintf("NetworkPolicy %s: %s has no such port", p.Name, w))
					}
				}
			}
		}
		wrong = append(wrong, blocks(p)...)
	}
	for _, w := range o.Workloads() {
		if !o.denied(w) {
			wrong = append(wrong, fmt.Sprintf("%s: nothing is denied to it", w))
		}
		ways := []int32{53, 5432}
		if w.Kind == "Deployment" {
			ways = append(ways, 7233)
		}
		for _, port := range ways {
			if !o.mayReach(w, port) {
				wrong = append(wrong, fmt.Sprintf("%s: cannot reach port %d", w, port))
			}
		}
	}
	return wrong
}

// Exceptions must be part of what they are taken from: the API server refuses the policy otherwise.
func blocks(p *networking.NetworkPolicy) (wrong []string) {
	for _, rule := range p.Spec.Egress {
		for _, peer := range rule.To {
			if peer.IPBlock == nil {
				continue
			}
			whole, err := netip.ParsePrefix(peer.IPBlock.CIDR)
			if err != nil {
				wrong = append(wrong, fmt.Sprintf("NetworkPolicy %s: %v", p.Name, err))
				continue
			}
			for _, text := range peer.IPBlock.Except {
				part, err := netip.ParsePrefix(text)
				if err != nil || part.Masked() != part || !whole.Contains(part.Addr()) || part.Bits() <= whole.Bits() {
					wrong = append(wrong, fmt.Sprintf("NetworkPolicy %s: %s is no part of %s", p.Name, text, whole))
				}
			}
		}
	}
	return wrong
}

// Whether a policy without rules denies the workload everything that others do not allow.
func (o *Objects) denied(w Workload) bool {
	return slices.ContainsFunc(o.Policies, func(p *networking.NetworkPolicy) bool {
		both := []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress}
		return finds(&p.Spec.PodSelector, w.Pod.Labels) && slices.Equal(p.Spec.PolicyTypes, both) &&
			len(p.Spec.Ingress) == 0 && len(p.Spec.Egress) == 0
	})
}

func (o *Objects) mayReach(w Workload, port int32) bool {
	for _, p := range o.Policies {
		if !finds(&p.Spec.PodSelector, w.Pod.Labels) {
			continue
		}
		for _, rule := range p.Spec.Egress {
			for _, to := range rule.Ports {
				if to.Port != nil && *to.Port == intstr.FromInt32(port) {
					return true
				}
			}
		}
	}
	return false
}

// MayReachInternet says whether a policy lets the workload go to addresses that no selector bounds, on any port, and
// which of them it may not.
func (o *Objects) MayReachInternet(w Workload) (except []netip.Prefix, may bool) {
	for _, p := range o.Policies {
		if !finds(&p.Spec.PodSelector, w.Pod.Labels) {
			continue
		}
		for _, rule := range p.Spec.Egress {
			for _, peer := range rule.To {
				if peer.IPBlock == nil || len(rule.Ports) > 0 {
					continue
				}
				may = true
				for _, text := range peer.IPBlock.Except {
					if prefix, err := netip.ParsePrefix(text); err == nil {
						except = append(except, prefix)
					}
				}
			}
		}
	}
	return except, may
}
