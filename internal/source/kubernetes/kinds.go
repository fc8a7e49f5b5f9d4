package kubernetes

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/margay-net/margay/api"
)

// kind is one that is read: those that have a place in the model. EndpointSlices and
// Calico's other resources have none, and cost the server nothing for as long.
type kind struct {
	name     string // as its objects and discovery have it
	resource string
	// path leads to all its objects. It is empty for Calico's kinds, which one of two groups
	// serves, or none.
	path string
	// typed makes an empty list of a kind that is read as protobuf into its Go type. Where it
	// is nil, objects are read as JSON by package manifest, which sees fields that it does not
	// know: in a policy's rule, such a one must not be passed over.
	typed func() runtime.Object
	// without is a field selector that leaves out what is of no use; see podsOfUse.
	without string
	// names says that of its objects only the metadata is read.
	names bool
	// guarded kinds lose many objects at once only if a second list says so too: see guard.go.
	guarded bool
}

// podsOfUse selects pods that have been scheduled, have a network of their own, and have
// not finished: the others have no addresses (those that have finished give theirs back),
// and so are neither endpoints nor members of sets. To a watch with a selector, an object
// that does not fit any more is one that is gone.
const podsOfUse = "spec.nodeName!=,spec.hostNetwork=false,status.phase!=Succeeded,status.phase!=Failed"

// kinds are all that are read.
func kinds() []kind {
	core := func(name, resource string, list func() runtime.Object) kind {
		return kind{name: name, resource: resource, path: "/api/v1/" + resource, typed: list}
	}
	pods := core("Pod", "pods", func() runtime.Object { return &corev1.PodList{} })
	pods.without = podsOfUse
	return []kind{
		core("Namespace", "namespaces", func() runtime.Object { return &corev1.NamespaceList{} }),
		core("ServiceAccount", "serviceaccounts", func() runtime.Object { return &corev1.ServiceAccountList{} }),
		core("Node", "nodes", func() runtime.Object { return &corev1.NodeList{} }),
		core("Service", "services", func() runtime.Object { return &corev1.ServiceList{} }),
		pods,
		{name: "NetworkPolicy", resource: "networkpolicies", path: "/apis/networking.k8s.io/v1/networkpolicies", guarded: true},
		{name: "NetworkPolicy", resource: "networkpolicies", guarded: true},
		{name: "GlobalNetworkPolicy", resource: "globalnetworkpolicies", guarded: true},
		{name: "Tier", resource: "tiers", guarded: true},
		{name: "NetworkSet", resource: "networksets"},
		{name: "GlobalNetworkSet", resource: "globalnetworksets"},
		{name: "IPPool", resource: "ippools", guarded: true},
		{name: "IPAMBlock", resource: "ipamblocks", guarded: true},
		{name: "FelixConfiguration", resource: "felixconfigurations"},
	}
}

// definitions and services are the kinds whose names tell of Calico's kinds.
func definitions() *kind {
	return &kind{name: "CustomResourceDefinition", resource: "customresourcedefinitions", names: true,
		path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"}
}

func services() *kind {
	return &kind{name: "APIService", resource: "apiservices", names: true,
		path: "/apis/apiregistration.k8s.io/v1/apiservices"}
}

// form is how its objects are asked for.
func (k *kind) form() form {
	switch {
	case k.names:
		return asMetadata
	case k.typed != nil:
		return asTypes
	}
	return asJSON
}

// calico says whether the kind is one of Calico's, so that it has to be looked for.
func (k *kind) calico() bool { return k.path == "" }

// label names the kind to people: the resource and its group, as kubectl does.
func (k *kind) label() string {
	if k.calico() {
		return k.resource + "." + calicoGroups()[0].name
	}
	if group, _, ok := strings.Cut(strings.TrimPrefix(k.path, "/apis/"), "/"); ok && group != "" {
		return k.resource + "." + group
	}
	return k.resource
}

// calicoGroup is a group that may serve Calico's kinds.
type calicoGroup struct{ name, path string }

// calicoGroups are the groups that may serve Calico's kinds.
func calicoGroups() [2]calicoGroup {
	return [2]calicoGroup{
		{"projectcalico.org", "/apis/" + api.APIVersion},
		{"crd.projectcalico.org", "/apis/" + api.APIVersionCRD},
	}
}
