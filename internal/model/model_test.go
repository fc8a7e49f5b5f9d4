package model

import (
	"slices"
	"testing"
)

func TestKeysReadLikeTheAPI(t *testing.T) {
	for _, c := range []struct {
		key  Key
		want string
	}{
		{Key{KindPod, "shop", "web-0"}, "Pod/shop/web-0"},
		{Key{KindGlobalPolicy, "", "deny-all"}, "GlobalNetworkPolicy/deny-all"},
		{Key{KindKubernetesPolicy, "shop", "web"}, "KubernetesNetworkPolicy/shop/web"},
		{Key{Kind(200), "", "x"}, "Unknown/x"},
	} {
		if c.key.String() != c.want {
			t.Errorf("%v, want %s", c.key, c.want)
		}
	}
}

func TestKeysSortByKindNamespaceName(t *testing.T) {
	keys := []Key{
		{KindPod, "b", "a"},
		{KindNode, "", "n"},
		{KindPod, "a", "z"},
		{KindPod, "a", "b"},
	}
	slices.SortFunc(keys, Key.Compare)
	var got []string
	for _, k := range keys {
		got = append(got, k.String())
	}
	want := []string{"Pod/a/b", "Pod/a/z", "Pod/b/a", "Node/n"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTheZeroActionIsDeny(t *testing.T) {
	var r Rule
	if r.Action != Deny {
		t.Errorf("the zero rule's action is %v", r.Action)
	}
	var tier Tier
	if tier.Default != Deny {
		t.Errorf("the zero tier's default is %v", tier.Default)
	}
}

func TestProblemIsOneLine(t *testing.T) {
	p := Problem{Severity: Failure, Where: "pools.yaml:2", Object: "IPPool/v6", Field: "spec.blockSize", Value: "26", Message: "an IPv6 pool's blocks are /116 to /128"}
	want := `pools.yaml:2: IPPool/v6: spec.blockSize "26": an IPv6 pool's blocks are /116 to /128`
	if p.String() != want {
		t.Errorf("%s\nwant %s", p, want)
	}
}
