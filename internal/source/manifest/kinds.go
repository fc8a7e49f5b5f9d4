package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/margay-net/margay/api"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// class groups the kinds by what an unknown field means for them.
type class uint8

const (
	// kubernetesKind is known by its fields to k8s.io/api; a field that is not is newer than that.
	kubernetesKind class = iota
	// calicoKind is a resource of package api that is no policy.
	calicoKind
	// policyKind is a policy of either.
	policyKind
)

// objectKind is a kind that is read.
type objectKind struct {
	class      class
	namespaced bool
	// make returns an empty object.
	make func() metav1.Object
}

// readKind returns the kind if it is one that is read.
func readKind(apiVersion, kind string) (objectKind, bool) {
	switch apiVersion {
	case "v1":
		return coreKind(kind)
	case "discovery.k8s.io/v1":
		if kind == "EndpointSlice" {
			return objectKind{kubernetesKind, true, func() metav1.Object { return &discoveryv1.EndpointSlice{} }}, true
		}
	case "networking.k8s.io/v1":
		if kind == "NetworkPolicy" {
			return objectKind{policyKind, true, func() metav1.Object { return &networkingv1.NetworkPolicy{} }}, true
		}
	case api.APIVersion, api.APIVersionCRD:
		if api.New(kind) == nil {
			break
		}
		c := calicoKind
		if kind == "NetworkPolicy" || kind == "GlobalNetworkPolicy" {
			c = policyKind
		}
		return objectKind{c, api.Namespaced(kind), func() metav1.Object { return api.New(kind) }}, true
	}
	return objectKind{}, false
}

func coreKind(kind string) (objectKind, bool) {
	k := objectKind{class: kubernetesKind, namespaced: true}
	switch kind {
	case "Pod":
		k.make = func() metav1.Object { return &corev1.Pod{} }
	case "Service":
		k.make = func() metav1.Object { return &corev1.Service{} }
	case "ServiceAccount":
		k.make = func() metav1.Object { return &corev1.ServiceAccount{} }
	case "Namespace":
		k.make, k.namespaced = func() metav1.Object { return &corev1.Namespace{} }, false
	case "Node":
		k.make, k.namespaced = func() metav1.Object { return &corev1.Node{} }, false
	default:
		return objectKind{}, false
	}
	return k, true
}

// group is an API group of which kinds are read.
type group struct {
	apiVersion string
	read       []string
	// skipped are kinds that the group has, and that have no effect here.
	skipped []string
}

// groups returns the groups of which kinds are read.
func groups() []group {
	calicoSkipped := []string{
		"StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy", "Profile", "BGPFilter",
		"IPReservation", "KubeControllersConfiguration", "CalicoNodeStatus", "IPAMHandle", "WorkloadEndpoint", "Node",
		"LiveMigration", "QoSPolicy", "DatastoreMigration",
	}
	return []group{
		{"v1", []string{"Namespace", "ServiceAccount", "Pod", "Node", "Service"}, []string{
			"ConfigMap", "Secret", "Endpoints", "Event", "PersistentVolume", "PersistentVolumeClaim",
			"ReplicationController", "ResourceQuota", "LimitRange", "PodTemplate", "Binding", "ComponentStatus", "Status",
		}},
		{"discovery.k8s.io/v1", []string{"EndpointSlice"}, nil},
		{"networking.k8s.io/v1", []string{"NetworkPolicy"}, []string{"Ingress", "IngressClass", "IPAddress", "ServiceCIDR"}},
		{api.APIVersion, api.Kinds(), calicoSkipped},
		{api.APIVersionCRD, api.Kinds(), calicoSkipped},
	}
}

// refuse says why a kind is not read: it is one that has no effect here, or it does not exist, perhaps
// because it is misspelt. A kind that does not exist is an error, since what its author meant is missing.
func refuse(apiVersion, kind string) (Reason, Severity, string) {
	all := groups()
	for _, g := range all {
		if g.apiVersion != apiVersion {
			continue
		}
		if slices.Contains(g.skipped, kind) {
			return SkippedKind, Note, "this kind has no effect here"
		}
		hint := didYouMean(kind, slices.Concat(g.read, g.skipped))
		if hint == "" {
			hint = whereRead(kind)
		}
		return UnknownKind, Error, "unknown kind" + hint
	}
	if hint, ok := misspelt(apiVersion, kind); ok {
		return UnknownKind, Error, "unknown apiVersion " + api.QuoteValue(apiVersion) + hint
	}
	return SkippedKind, Note, "this kind has no effect here"
}

// misspelt reports whether an unknown apiVersion must be meant for one that is read: it is another version
// of the same group, or nearly the same word, and the kind is, or is nearly, one that is read. Many groups
// have kinds of the same names, and are not meant.
func misspelt(apiVersion, kind string) (hint string, ok bool) {
	var versions, kinds []string
	related := apiVersion == "extensions/v1beta1" // where networking.k8s.io once was
	for _, g := range groups() {
		versions = append(versions, g.apiVersion)
		kinds = append(kinds, g.read...)
		related = related || groupName(g.apiVersion) == groupName(apiVersion)
	}
	hint = didYouMean(apiVersion, versions)
	if !related && hint == "" || !slices.Contains(kinds, kind) && didYouMean(kind, kinds) == "" {
		return "", false
	}
	return cmp.Or(hint, whereRead(kind)), true
}

// groupName returns the group of an apiVersion, which is empty for the core group.
func groupName(apiVersion string) string {
	name, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return name
}

// whereRead names the API groups that have the kind.
func whereRead(kind string) string {
	var in []string
	for _, g := range groups() {
		if slices.Contains(g.read, kind) && g.apiVersion != api.APIVersionCRD {
			in = append(in, g.apiVersion)
		}
	}
	if len(in) == 0 {
		return ""
	}
	return ", " + kind + " is of " + strings.Join(in, " or ")
}
