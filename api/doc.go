// Package api holds the Go types of the Calico resources that the agent reads: projectcalico.org/v3,
// and the same objects as crd.projectcalico.org/v1 stores them.
//
// The types are for reading. A field that users write as a number or a word (ports, protocols, AS numbers)
// keeps what was written, so that one bad value spoils the rule it stands in and not the object: Validate
// then names every such field, and the caller decides what remains of the object.
//
//   - Default fills in what Calico fills in when a field is left out. It is idempotent, and is called first.
//   - Validate reports every problem it finds, each with the path of its field; it never stops at the first.
//
// Selectors are plain strings here: package selector parses them, and whoever converts an object to the
// model reports those that do not parse.
//
// The custom resource definitions in deploy/crds are generated from these types and their comments ("make
// generate"): what the API server can check is marked here as kubebuilder or CEL rules, beside the code that
// checks it again. Lists and strings of a policy have the bounds that Calico's own definitions give them; the
// API server needs them to know what a rule may cost. Objects from files, or stored before, are not bound by them.
//
// The package owns nothing in the kernel.
//
// +kubebuilder:object:generate=true
// +groupName=projectcalico.org
// +versionName=v3
package api

//go:generate go run ../internal/config/gen -schema -o schema/settings.go
//go:generate go tool -modfile=../hack/tools/go.mod controller-gen object crd:allowDangerousTypes=true paths=. output:object:dir=. output:crd:dir=../deploy/crds
//go:generate go tool -modfile=../hack/tools/go.mod controller-gen crd paths=./schema output:crd:dir=../deploy/crds

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// The two groups that serve these resources. In the second one, names of policies carry their tier as a
// prefix (see SplitTierName), and IPAMConfiguration is called IPAMConfig.
const (
	APIVersion    = "projectcalico.org/v3"
	APIVersionCRD = "crd.projectcalico.org/v1"
)

// DefaultTier is the tier of a policy that names none.
const DefaultTier = "default"

// Resource is any of the types of this package, by pointer.
//
// +kubebuilder:object:generate=false
type Resource interface {
	metav1.Object
	runtime.Object
	// Default fills in the values that Calico documents for fields left out.
	Default()
	// Validate returns everything that is wrong with the object, in the order of its fields.
	Validate() []FieldError
}

// New returns an empty resource of the kind, or nil if this package has no such kind.
func New(kind string) Resource {
	switch kind {
	case "IPPool":
		return &IPPool{}
	case "NetworkPolicy":
		return &NetworkPolicy{}
	case "GlobalNetworkPolicy":
		return &GlobalNetworkPolicy{}
	case "NetworkSet":
		return &NetworkSet{}
	case "GlobalNetworkSet":
		return &GlobalNetworkSet{}
	case "Tier":
		return &Tier{}
	case "FelixConfiguration":
		return &FelixConfiguration{}
	case "BGPConfiguration":
		return &BGPConfiguration{}
	case "BGPPeer":
		return &BGPPeer{}
	case "HostEndpoint":
		return &HostEndpoint{}
	case "IPAMBlock":
		return &IPAMBlock{}
	case "BlockAffinity":
		return &BlockAffinity{}
	case "IPAMConfig", "IPAMConfiguration":
		return &IPAMConfiguration{}
	case "ClusterInformation":
		return &ClusterInformation{}
	}
	return nil
}

// Kinds lists the kinds that New knows, under the names of projectcalico.org/v3, and in the order of the
// list in New. IPAMConfig is the one kind with two names.
func Kinds() []string {
	return []string{
		"IPPool", "NetworkPolicy", "GlobalNetworkPolicy", "NetworkSet", "GlobalNetworkSet", "Tier",
		"FelixConfiguration", "BGPConfiguration", "BGPPeer", "HostEndpoint", "IPAMBlock", "BlockAffinity",
		"IPAMConfig", "IPAMConfiguration", "ClusterInformation",
	}
}

// Namespaced reports whether objects of the kind live in a namespace.
func Namespaced(kind string) bool {
	return kind == "NetworkPolicy" || kind == "NetworkSet"
}
