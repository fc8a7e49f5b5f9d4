// Package e2e tests the agent against a real kube-apiserver and a real etcd, with namespaces as
// nodes and pods, and real packets. Package cluster has what the tests stand on; `make test-e2e`
// builds what they need and runs them; docs/testing-with-a-real-api-server.md says how to look
// at one that fails.
//
// Files are named for what is tested: source_*_test.go the agent's source, crd_* the resource
// definitions, admission_* the admission policies, deploy_* the manifests, and the others the
// cluster as a whole.
package e2e
