// Package health is what the agent's parts say about themselves, and what Kubernetes is told
// of it: /liveness and /readiness with the detail as JSON or text.
//
// A component reports, by name and where it applies by family, that it is ready or why not.
// It may promise to report at least every so often; if it fails to, it is not alive, nor is
// what it last said of its readiness believed. The agent is
//
//   - alive if every component with such a promise keeps it;
//   - ready if every component is, of those that concern no family and those of each enabled
//     family. One family's trouble is shown as that family's: the other stays ready by itself.
//
// Conditions are remarks for people and dashboards (a configured source address that the node
// lacks, a Kubernetes feature that is off); they do not change readiness.
//
// Time is an argument everywhere, the Board has no clock. Names and defaults of ports and
// timeouts are in internal/config.
package health
