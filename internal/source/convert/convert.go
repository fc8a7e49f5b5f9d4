// Package convert turns API objects into the model's vocabulary. It is the one
// conversion in the tree: every source feeds its objects through it, so that a manifest
// and the same object from an API server mean the same thing.
//
// What a rule says that cannot be understood or enforced never opens anything: in an
// Allow rule it makes the rule match nothing; a Deny rule matches without that part; at
// a Pass or a Log the direction is denied from there on. The Problem that says so is on
// the object.
//
// The package owns nothing in the kernel.
package convert

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
)

// Options say how objects are converted.
type Options struct {
	// InterfacePrefix is the first configured interface prefix, which the CNI plugin
	// puts before the hash that names a pod's host side interface. Empty: "cali".
	InterfacePrefix string
}

// Converter converts objects. It keeps no state.
type Converter struct{ prefix string }

// New returns a Converter.
func New(o Options) *Converter {
	if o.InterfacePrefix == "" {
		o.InterfacePrefix = "cali"
	}
	return &Converter{prefix: o.InterfacePrefix}
}

// Result is what an object comes to.
type Result struct {
	Key model.Key
	// Value is nil for an object that the model has no place for: a pod on the host
	// network, say, or a kind that is only validated.
	Value    model.Value
	Problems []model.Problem
	// Unreadable says that the structure of a policy could not be read. Value is then
	// what stands for it where no earlier version does: it denies all that the policy
	// selects, or is nil where not even that can be told.
	Unreadable bool
}

// Object converts one API object, a pointer to one of the types of package api or of
// Kubernetes' own API. invalid are the problems that reading and validating the object
// has already found; those that lie in a policy's rule decide what becomes of the rule.
// ok is false for a kind that the model does not know.
func (c *Converter) Object(obj any, invalid []api.FieldError) (r Result, ok bool) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return c.pod(o), true
	case *corev1.Namespace:
		return result(model.KindNamespace, "", o.Name, &model.Namespace{Labels: o.Labels}), true
	case *corev1.ServiceAccount:
		return result(model.KindServiceAccount, o.Namespace, o.Name, &model.ServiceAccount{Labels: o.Labels}), true
	case *corev1.Node:
		return node(o), true
	case *corev1.Service:
		return service(o), true
	case *networkingv1.NetworkPolicy:
		return kubernetesPolicy(o, invalid), true
	}
	return calico(obj, invalid)
}

func result(kind model.Kind, namespace, name string, v model.Value) Result {
	return Result{Key: model.Key{Kind: kind, Namespace: namespace, Name: name}, Value: v}
}

// problem adds one to the result, naming its object.
func (r *Result) problem(s model.Severity, field, value, format string, args ...any) {
	r.Problems = append(r.Problems, model.Problem{
		Severity: s,
		Object:   r.Key.String(),
		Field:    field,
		Value:    value,
		Message:  fmt.Sprintf(format, args...),
	})
}

// unreadable marks a policy as one that cannot be read.
func (r *Result) unreadable(field, value, format string, args ...any) {
	r.Unreadable = true
	r.problem(model.Failure, field, value, format+"; the last good version stays in force, or if there is none, what it selects is denied", args...)
}
