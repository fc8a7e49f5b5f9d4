package workload

import (
	"reflect"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func count(events []model.Event) map[model.Kind]int {
	n := map[model.Kind]int{}
	for _, e := range events {
		n[e.Key.Kind]++
	}
	return n
}

func TestMediumHasTheNumbersThatThePerformancePageStates(t *testing.T) {
	got := count(New(Medium()).BaseEvents())
	policies := got[model.KindKubernetesPolicy] + got[model.KindPolicy] + got[model.KindGlobalPolicy]
	if got[model.KindNode] != 101 || got[model.KindPod] != 5_100 || policies != 501 || got[model.KindNamespace] != 25 || got[model.KindGlobalNetworkSet] != 50 {
		t.Errorf("%v", got)
	}
}

func TestEveryPodHasItsOwnAddressOfEachFamily(t *testing.T) {
	for _, families := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
		size := Small()
		size.Families = families
		seen := map[string]string{}
		c := New(size)
		events := c.BaseEvents()
		c.Churn(130, func(o any) { events = append(events, Event(o)) })
		events = append(events, Event(c.LocalPod(0)), Event(c.LocalPod(1)))
		for _, e := range events {
			pod, ok := e.Value.(*model.Pod)
			if !ok {
				continue
			}
			if len(pod.Claims.Status) != len(families.Families()) {
				t.Fatalf("%v: %v", families, e)
			}
			for _, a := range pod.Claims.Status {
				if other := seen[a.String()]; other != "" && other != e.Key.String() {
					t.Fatalf("%s is that of %s and of %s", a, other, e.Key)
				}
				seen[a.String()] = e.Key.String()
			}
		}
	}
}

func TestTheBlockAgreesWithThePod(t *testing.T) {
	owner := map[string]string{}
	events := New(Small()).BaseEvents()
	for _, e := range events {
		if b, ok := e.Value.(*model.Block); ok {
			for _, a := range b.Allocations {
				owner[a.Address.String()] = a.Namespace + "/" + a.Pod
			}
		}
	}
	for _, e := range events {
		if pod, ok := e.Value.(*model.Pod); ok {
			for _, a := range pod.Claims.Status {
				if owner[a.String()] != e.Key.Namespace+"/"+e.Key.Name {
					t.Fatalf("%s of %s is given to %q", a, e.Key, owner[a.String()])
				}
			}
		}
	}
}

func TestSameSeedSameCluster(t *testing.T) {
	if !reflect.DeepEqual(New(Small()).BaseEvents(), New(Small()).BaseEvents()) {
		t.Error("two clusters of one size and seed differ")
	}
}

func TestGrowingOneNumberLeavesTheOthers(t *testing.T) {
	more := Small()
	more.Policies += 5
	before := map[model.Key]model.Value{}
	for _, e := range New(Small()).BaseEvents() {
		before[e.Key] = e.Value
	}
	for _, e := range New(more).BaseEvents() {
		if old, ok := before[e.Key]; ok && !reflect.DeepEqual(old, e.Value) {
			t.Errorf("%v changed", e.Key)
		}
	}
}

func TestScenariosConvert(t *testing.T) {
	c := New(Small())
	for _, e := range []model.Event{
		Event(c.RemotePod(3, true)), Event(PolicyOnAllLocal(1)), Event(PolicySelectingAll(1)),
	} {
		if e.Value == nil {
			t.Errorf("%v has no value", e.Key)
		}
	}
	n := 0
	c.PacketPolicies(200, func(o any) { Event(o); n++ })
	if n != 202 {
		t.Errorf("%d objects", n)
	}
}
