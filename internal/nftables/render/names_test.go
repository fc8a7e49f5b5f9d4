package render

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func TestNames(t *testing.T) {
	gnp := model.Key{Kind: model.KindGlobalPolicy, Name: "security.audit"}
	knp := model.Key{Kind: model.KindKubernetesPolicy, Namespace: "shop", Name: "web-only"}
	for got, want := range map[string]string{
		endpointChain("cali12345678901", model.Egress):  "cali-fw-cali12345678901",
		endpointChain("cali12345678901", model.Ingress): "cali-tw-cali12345678901",
		tierChain("cali1", "security", model.Ingress):   "cali-tw-cali1/security",
		policyChain(gnp, model.Ingress, 0):              "cali-pi-gnp/security.audit",
		policyChain(gnp, model.Egress, 2):               "cali-po-gnp/security.audit/2",
		policyChain(knp, model.Egress, 0):               "cali-po-knp/shop/web-only",
		SetName("abc-1", family.V6):                     "cali6-abc-1",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	long := SetName(model.SetID(strings.Repeat("x", 300)), family.V4)
	strange := SetName(`app == "ü"`, family.V4)
	for _, hashed := range []string{long, strange} {
		if len(hashed) > maxName || !strings.Contains(hashed, "_") {
			t.Errorf("%q", hashed)
		}
	}
	if want := "cali4-app-------_"; !strings.HasPrefix(strange, want) {
		t.Errorf("%s, want %s…", strange, want)
	}
}

// Nobody may choose a name that makes his policy's chain another's.
func TestNamesAreNobodyElses(t *testing.T) {
	part := rapid.StringMatching(`[a-z/_.-]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(part, 1, 3).Draw(t, "a")
		b := rapid.SliceOfN(part, 1, 3).Draw(t, "b")
		if strings.Join(a, "\x00") != strings.Join(b, "\x00") && name("cali-", a...) == name("cali-", b...) {
			t.Fatalf("%q and %q are both %s", a, b, name("cali-", a...))
		}
	})
	hashed := name("cali-", "a_b")
	if again := name("cali-", strings.TrimPrefix(hashed, "cali-")); again == hashed {
		t.Errorf("%s names itself", hashed)
	}
}
