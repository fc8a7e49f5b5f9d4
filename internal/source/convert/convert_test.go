package convert

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/manifest"
)

// converted reads the first document of a manifest, strictly, and returns what it comes
// to as text: the event, then a line per problem.
func converted(t *testing.T, text string) string {
	t.Helper()
	file := manifest.New(manifest.Options{}).Read("t.yaml", text)
	if len(file.Documents) != 1 || file.Documents[0].Object == nil {
		t.Fatalf("not one object: %+v", file.Documents)
	}
	r, ok := New(Options{}).Object(file.Documents[0].Object, invalid(file.Documents[0].Object))
	if !ok {
		t.Fatalf("%T is not converted", file.Documents[0].Object)
	}
	lines := []string{model.Event{Key: r.Key, Value: r.Value}.String()}
	if r.Unreadable {
		lines = append(lines, "unreadable")
	}
	for _, p := range r.Problems {
		lines = append(lines, p.Severity.String()+" "+strings.TrimPrefix(p.String(), r.Key.String()+": "))
	}
	return strings.Join(lines, "\n")
}

func invalid(o metav1.Object) []api.FieldError {
	if r, ok := o.(api.Resource); ok {
		r.Default()
		return r.Validate()
	}
	return nil
}

// cases are manifests and what they come to.
type cases []struct{ name, manifest, want string }

func (cs cases) run(t *testing.T) {
	t.Helper()
	for _, c := range cs {
		t.Run(c.name, func(t *testing.T) {
			if got := converted(t, c.manifest); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestInterfaceNameIsThatOfTheCNIPlugin(t *testing.T) {
	// printf shop.web | sha1sum
	if got := InterfaceName("cali", "shop", "web"); got != "cali551b05c3e54" {
		t.Errorf("%s", got)
	}
	if InterfaceName("cali", "a", "b.c") != InterfaceName("cali", "a.b", "c") {
		t.Error("the hash is over namespace, dot, name")
	}
}

func TestASettingThatIsNullIsNotWritten(t *testing.T) {
	cases{
		{
			"of its own",
			"apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {ipv6Support: null, ipv4Support: false}\n",
			"FelixConfiguration/default ipv4Support=false",
		},
		{
			"in JSON",
			`{"apiVersion": "projectcalico.org/v3", "kind": "FelixConfiguration", "metadata": {"name": "default"}, "spec": {"healthPort": null}}`,
			"FelixConfiguration/default",
		},
	}.run(t)
}
