package calc

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/model"
)

// TestPackedPolicyUnpacksToTheSame fills policies by reflection, so that a field that the
// model gets later and packing forgets is noticed.
func TestPackedPolicyUnpacksToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p model.Policy
		fill(t, reflect.ValueOf(&p).Elem())
		p.Order, p.Selector = 0, "" // kept beside the packed text
		got := unpackPolicy(packPolicy(&p))
		if diff := cmp.Diff(&p, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Fatalf("-packed +unpacked:\n%s", diff)
		}
	})
}

func TestEqualTextsAreEqualPolicies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p, q model.Policy
		fill(t, reflect.ValueOf(&p).Elem())
		fill(t, reflect.ValueOf(&q).Elem())
		q.Order, q.Selector = p.Order, p.Selector
		if same := packPolicy(&p) == packPolicy(&q); same != reflect.DeepEqual(p, q) {
			t.Fatalf("texts equal is %v: %+v and %+v", same, p, q)
		}
	})
}

// fill sets a value to something random, leaving out what the graph itself fills in.
func fill(t *rapid.T, v reflect.Value) {
	if p, ok := v.Addr().Interface().(*netip.Prefix); ok {
		*p = rapid.SampledFrom([]netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("fd00::1/128"),
		}).Draw(t, "prefix")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).Type() != reflect.TypeFor[[]model.SetID]() {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 2).Draw(t, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i))
			}
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.String:
		v.SetString(rapid.StringN(0, 200, -1).Draw(t, "text"))
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(rapid.Uint64Range(0, 1<<(8*v.Type().Size())-1).Draw(t, "number"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-9, 9).Draw(t, "order"))
	default:
		t.Fatalf("a field of a type that this test does not know: %v", v.Type())
	}
}
