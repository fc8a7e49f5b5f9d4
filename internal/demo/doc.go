// Package demo is what `make demo` does: a small cluster out of network namespaces, one real agent
// process on each node, and a table of who may talk to whom, expected beside observed; then a policy
// that changes while traffic runs.
//
// The cluster is what a directory of manifests says (see examples/dual-stack): Nodes with their
// addresses, Pods with theirs. The demo reads these for itself, with Kubernetes' own types and none of the
// agent's code, so that what the agent reads out of them is put to the test too. It programs nothing
// but what a machine and a CNI plugin would have done: addresses, veth pairs, the pods' own routes.
//
// What it owns on the machine, and knows again after a run that was killed: names in /run/netns that
// begin with "margay-", processes in these namespaces whose program is the agent or the demo itself,
// and the directory /run/margay-demo. One demo runs at a time; a lock on /run/margay-demo.lock sees to it.
package demo
