package demo

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

func TestTheExampleIsThreeNodesWithSixPods(t *testing.T) {
	cluster, err := ReadCluster(example)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range cluster {
		line := n.Name
		for _, a := range n.Addresses {
			line += " " + a.String()
		}
		for _, p := range n.Pods {
			line += " | " + p.Name
			for _, a := range p.Addresses {
				line += " " + a.String()
			}
		}
		lines = append(lines, line)
	}
	want := []string{
		"node-1 172.30.0.1/24 fd30::1/64 | shop/web 10.65.1.10 fd00:10:65:1::10 | ops/probe 10.65.1.20 fd00:10:65:1::20",
		"node-2 172.30.0.2/24 fd30::2/64 | shop/api 10.65.2.10 fd00:10:65:2::10 | ops/legacy 10.65.2.20",
		"node-3 172.30.0.3/24 fd30::3/64 | shop/db 10.65.3.10 fd00:10:65:3::10 | ops/modern fd00:10:65:3::20",
	}
	if !slices.Equal(lines, want) {
		t.Error(cmp.Diff(want, lines))
	}
}

func TestTheExamplesTableTellsOfAllItsPods(t *testing.T) {
	cluster, err := ReadCluster(example)
	if err != nil {
		t.Fatal(err)
	}
	table := exampleTable(t)
	if err := table.Check(cluster.families()); err != nil {
		t.Error(err)
	}
	allowed, denied := 0, 0
	for _, e := range table.Flows() {
		if e.Allowed {
			allowed++
		} else {
			denied++
		}
	}
	// 12 pairs of dual-stack pods in two families, 16 pairs with a pod of one family; TCP and UDP.
	if flows := (12*2 + 16) * 2; allowed+denied != flows || min(allowed, denied) < flows/4 {
		t.Errorf("%d allowed and %d denied, want %d together and a good part of each", allowed, denied, flows)
	}
}

// The change of the policy must be about flows that the table says are denied and allowed before it.
func TestTheExamplesTrafficIsInItsTable(t *testing.T) {
	for _, e := range exampleTable(t).Flows() {
		if e.Protocol != netlab.UDP || e.To != receiver {
			continue
		}
		if e.From == steadySender && !e.Allowed || e.From == guestSender && e.Allowed {
			t.Errorf("%s from %s to %s: allowed is %t", e.Family, e.From, e.To, e.Allowed)
		}
	}
	name, err := findChange(example)
	if err != nil || name != "policy-api.yaml" {
		t.Errorf("the change is that of %q (%v)", name, err)
	}
}

// Every file of the example, the changed one too, reads without a single remark.
func TestTheExamplesManifestsAreInOrder(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(example, "*.yaml*"))
	if err != nil || len(paths) != 8 {
		t.Fatalf("manifests: %v (%v)", paths, err)
	}
	reader, converter := manifest.New(manifest.Options{}), convert.New(convert.Options{})
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file := reader.Read(path, string(text))
		if len(file.Documents) == 0 {
			t.Errorf("%s: no documents", path)
		}
		for _, d := range file.Documents {
			for _, p := range d.Problems {
				t.Errorf("%s", p)
			}
			result, known := converter.Object(d.Object, nil)
			if !known {
				t.Errorf("%s: a kind that the agent has no use for", d.Key)
			}
			for _, p := range result.Problems {
				t.Errorf("%s: %+v", path, p)
			}
		}
	}
}
