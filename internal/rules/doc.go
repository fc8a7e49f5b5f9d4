// Package rules holds policy in the form that every backend renders: reduced to one
// address family, with nothing in it that a family does not have. It also holds the
// evaluator, which says for one packet which rule of which policy decides, slowly and
// plainly: the oracle that the kernel is tested against, and what explains a verdict to
// people.
//
// Reduce leaves out conditions that are always true and rules that never match, so that
// a backend needs to know nothing about families, missing selectors or ports without a
// protocol. What it leaves is a conjunction: every field that is set must hold.
//
// The package is pure and owns nothing in the kernel.
package rules
