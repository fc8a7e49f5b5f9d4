// Package manifest reads files of manifests, in YAML or JSON, into the objects that they describe. It is
// strict: whatever it does not understand it says, in one line that names file, line, document, object,
// field and value. It is also patient: one bad document, field or rule leaves all others standing.
//
// # What is read
//
// Documents separated by "---", JSON values one after the other, lists (v1 List, PodList, …) in either, and
// lists in lists. The kinds are those of issue 2: core v1 Namespace, ServiceAccount, Pod, Node and Service,
// discovery.k8s.io/v1 EndpointSlice, networking.k8s.io/v1 NetworkPolicy, and the resources of package api in
// both of their groups. Kinds that have nothing to do with the network, which any directory of manifests is
// full of, are noted and skipped.
//
// # What a problem means
//
//   - Note: nothing is lost. A kind that is not read; a field of a Kubernetes object that this version of the
//     types does not know.
//   - Warning: the object is as good as without that field. An unknown field of a Calico resource.
//   - Error: something that was said is not understood. If the problem lies in a rule of a policy
//     (Problem.Rule), it spoils that rule only, and the conversion applies the design's rule: an Allow
//     matches nothing, a Deny matches without the part, a Pass or Log closes the direction. Anywhere else it
//     spoils the object (Document.Usable is false): its last good version stays in force.
//
// An unknown field outside of the rules of a policy (selektor, tpyes) is such an error too: without it, the
// policy could select, and so open, more than its author meant.
//
// The package checks form. What the values mean (CIDRs, ports, selectors) is checked by api.Resource.Validate
// and by the conversion; Document.Report turns their findings into problems that name file and line.
//
// # What has gone wrong elsewhere
//
// yaml.Unmarshal takes the last of two equal keys and says nothing; encoding/json takes "CIDR" for "cidr";
// both drop unknown fields. A document of a few hundred bytes can stand for gigabytes by aliases of aliases.
// All of these are closed here: see yaml.go (aliases), decode.go (names, unknown fields) and duplicates.go.
//
// A string cut out of a file keeps the whole file in memory: what goes into objects is copied (texts.go).
package manifest
