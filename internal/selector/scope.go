package selector

// The labels and prefixes by which an endpoint shows where it belongs, named as Calico does.
const (
	// NamespaceLabel is on everything that lives in a namespace; its value is the namespace's name.
	NamespaceLabel = "projectcalico.org/namespace"
	// ServiceAccountLabel is on every pod; its value is the service account's name.
	ServiceAccountLabel = "projectcalico.org/serviceaccount"
	// NamespacePrefix is put before the labels that an endpoint inherits from its namespace.
	NamespacePrefix = "pcns."
	// ServiceAccountPrefix is put before the labels that an endpoint inherits from its service account.
	ServiceAccountPrefix = "pcsa."
)

// Scope says whose labels a selector's text speaks about.
type Scope uint8

const (
	// Endpoints is the scope of `selector` and `notSelector`: labels as they stand.
	Endpoints Scope = iota
	// Namespaces is the scope of `namespaceSelector`: labels get the prefix pcns., and all()
	// is everything in any namespace, has(projectcalico.org/namespace).
	Namespaces
	// ServiceAccounts is the scope of `serviceAccountSelector`: labels get the prefix pcsa.,
	// and all() is everything with a service account, has(projectcalico.org/serviceaccount).
	ServiceAccounts
)

// String names the field that the scope belongs to, for error messages.
func (s Scope) String() string {
	switch s {
	case Namespaces:
		return "namespaceSelector"
	case ServiceAccounts:
		return "serviceAccountSelector"
	}
	return "selector"
}

// label is the name under which an endpoint carries the scope's label.
func (s Scope) label(name string) string {
	switch s {
	case Namespaces:
		return NamespacePrefix + name
	case ServiceAccounts:
		return ServiceAccountPrefix + name
	}
	return name
}

// everything is what all() means in the scope. Calico does the same by replacing text
// (libcalico-go/lib/backend/syncersv1/updateprocessors): to a policy a selector of all
// namespaces must not select host endpoints and global network sets.
func (s Scope) everything() term {
	switch s {
	case Namespaces:
		return has(NamespaceLabel)
	case ServiceAccounts:
		return has(ServiceAccountLabel)
	}
	return always()
}
