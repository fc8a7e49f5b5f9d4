package kubernetes

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/model"
)

// Whatever is shared, a pod stays what it is, and so do those that came before.
func TestSharingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSharer()
		text := rapid.SampledFrom([]string{"", "a", "b", "ab", "a\x00b"})
		var told, kept []*model.Pod
		for range rapid.IntRange(1, 20).Draw(t, "pods") {
			p := &model.Pod{
				Node: text.Draw(t, "node"), ServiceAccount: text.Draw(t, "account"), Interface: text.Draw(t, "interface"),
				Labels: rapid.MapOfN(text, text, 0, 3).Draw(t, "labels"),
				Ports: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) model.NamedPort {
					return model.NamedPort{Name: text.Draw(t, "name"), Protocol: model.Protocol(rapid.IntRange(0, 3).Draw(t, "protocol")), Port: uint16(rapid.IntRange(0, 300).Draw(t, "port"))}
				}), 0, 3).Draw(t, "ports"),
			}
			same := *p
			same.Labels, same.Ports = maps.Clone(p.Labels), slices.Clone(p.Ports)
			s.pod(p)
			told, kept = append(told, p), append(kept, &same)
		}
		for i := range told {
			if !reflect.DeepEqual(told[i], kept[i]) {
				t.Fatalf("pod %d was %+v, is %+v", i, kept[i], told[i])
			}
		}
	})
}

func TestEqualLabelsAreOneMap(t *testing.T) {
	s := newSharer()
	var pods [3]model.Pod
	for i := range pods {
		pods[i] = model.Pod{Labels: map[string]string{"app": fmt.Sprintf("a%d", i/2)}, Ports: []model.NamedPort{{Name: "http", Port: 80}}}
		s.pod(&pods[i])
	}
	at := func(i int) uintptr { return reflect.ValueOf(pods[i].Labels).Pointer() }
	if at(0) != at(1) || at(0) == at(2) {
		t.Error("maps are not shared as labels are")
	}
	if &pods[0].Ports[0] != &pods[2].Ports[0] {
		t.Error("ports are not shared")
	}
}

func TestASharerForgets(t *testing.T) {
	s := newSharer()
	for i := range 3 * sharedMost {
		s.text(fmt.Sprint(i))
		if len(s.texts) > sharedMost {
			t.Fatal("it knows too much")
		}
	}
}
