package convert

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// FuzzTunnelAnnotations: whatever is annotated is either read, and then it is something that a
// tunnel can have and prints as what it was read from, or it is a problem that names it.
func FuzzTunnelAnnotations(f *testing.F) {
	for _, text := range []string{
		"10.0.1.0", "fd00::1", "::ffff:10.0.0.1", "fe80::1%eth0", "10.0.0.0/24", "66:00:00:00:00:01", "66-0A-00-00-00-01",
		"01:00:5e:00:00:01", "00:00:00:00:00:00:00:01", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "=", " ",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, fam := range family.All() {
			for _, annotation := range []string{
				model.VXLANAddressAnnotation(fam), model.VXLANMACAnnotation(fam), model.IPIPAddressAnnotation,
				model.WireguardAddressAnnotation(fam), model.WireguardKeyAnnotation(fam),
			} {
				checkAnnotation(t, annotation, text)
			}
		}
	})
}

func checkAnnotation(t *testing.T, annotation, text string) {
	read := func(text string) (*model.Node, []model.Problem) {
		r := node(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{annotation: text}}})
		return r.Value.(*model.Node), r.Problems
	}
	n, problems := read(text)
	var none model.Node
	nothing := n.VXLAN == none.VXLAN && n.IPIP == none.IPIP && n.Wireguard == none.Wireguard
	switch {
	case text == "" && (!nothing || len(problems) > 0):
		t.Fatalf("%s: an empty one is %v, %v", annotation, n, problems)
	case text != "" && nothing != (len(problems) == 1):
		t.Fatalf("%s %q: %v, %v", annotation, text, n, problems)
	case len(problems) == 1 && (problems[0].Field != model.AnnotationField(annotation) || problems[0].Value != text):
		t.Fatalf("%s %q: %v", annotation, text, problems[0])
	}
	for _, f := range family.All() {
		for _, a := range []interface {
			IsValid() bool
			String() string
		}{n.VXLAN.Get(f).Address, n.Wireguard.Get(f).Address} {
			if again, problems := read(a.String()); a.IsValid() && (len(problems) > 0 || again.VXLAN != n.VXLAN || again.Wireguard != n.Wireguard) {
				t.Fatalf("%s %q: read as %v, which is read as %v", annotation, text, n, again)
			}
		}
	}
}
