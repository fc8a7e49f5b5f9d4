package rules

import (
	"strconv"

	"github.com/margay-net/margay/internal/model"
)

// EndpointPrefix begins the name of an endpoint's chain for a direction, as Felix's do.
func EndpointPrefix(d model.Direction) string {
	if d == model.Egress {
		return "cali-fw-"
	}
	return "cali-tw-"
}

// PolicyName is what a policy's chain for a direction is named for: what Felix's names begin
// with, and the parts that tell the policy from all others.
func PolicyName(id model.PolicyID, d model.Direction) (prefix string, parts []string) {
	prefix = "cali-pi-"
	if d == model.Egress {
		prefix = "cali-po-"
	}
	parts = []string{kindName(id.Kind)}
	if id.Namespace != "" {
		parts = append(parts, id.Namespace)
	}
	return prefix, append(parts, id.Name)
}

func kindName(k model.Kind) string {
	switch k {
	case model.KindKubernetesPolicy:
		return "knp"
	case model.KindPolicy:
		return "np"
	case model.KindGlobalPolicy:
		return "gnp"
	}
	return strconv.Itoa(int(k))
}
