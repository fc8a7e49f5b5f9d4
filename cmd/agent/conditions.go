package main

import (
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/source"
)

// notPublished is the condition that says that others cannot be told of the node. It is
// the only one that is not published.
const notPublished = "NodeNotPublished"

// conditions are what the board says, in the form of a Node's conditions: whether each
// family is served, and the board's own conditions.
func conditions(d health.Detail) []source.Condition {
	var general []string
	for _, c := range d.Components {
		if c.Family == "" && !(c.Ready && c.Live) {
			general = append(general, c.Name+": "+c.Reason)
		}
	}
	var out []source.Condition
	for _, f := range d.Families {
		out = append(out, readiness(f, general))
	}
	for _, c := range d.Conditions {
		if c.Status == health.Unknown || c.Name == notPublished {
			continue
		}
		out = append(out, source.Condition{
			Type: "Margay" + c.Family + c.Name, Status: c.Status == health.True, Reason: c.Name, Message: c.Message,
		})
	}
	return out
}

// readiness says whether a family is served. What keeps parts from being ready that serve
// both families is in general.
func readiness(f health.FamilyDetail, general []string) source.Condition {
	c := source.Condition{Type: "Margay" + f.Family + "Ready", Reason: "Off"}
	if f.State == health.FamilyOff {
		return c
	}
	reasons := slices.Concat(general, f.Reasons)
	if len(reasons) > 0 {
		c.Reason, c.Message = "NotReady", strings.Join(reasons, "; ")
		return c
	}
	c.Reason, c.Status = "Ready", true
	return c
}
