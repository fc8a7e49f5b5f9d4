package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/source"
)

func TestObjectsComeAndGoWithTheirFiles(t *testing.T) {
	l := follow(t, t.TempDir())
	l.want("in sync")
	l.write("a.yaml", space("one", "x")+"---\n"+space("two", "x"))
	l.want("Namespace/one labels={l=x}", "Namespace/two")
	l.write("a.yaml", space("one", "y"))
	l.want("Namespace/one labels={l=y}", "!Namespace/two", "in sync")
	l.remove("a.yaml")
	l.want("!Namespace/one", "in sync")
}

func TestWhatCannotBeReadStays(t *testing.T) {
	for _, c := range []struct {
		name, content string
		why           string
	}{
		{"empty", "", "not in sync: a.yaml: "},
		{"unparseable", "a: [b\n", "not in sync: a.yaml: "},
		{"cut in the middle of a document", space("one", "new") + "---\napiVersion: v1\nkind: Name", "not in sync: a.yaml: "},
		{"cut in the first word", "apiVers", "not in sync: a.yaml: want an object, not text"},
		{"a list of no objects", "apiVersion: v1\nkind: List\nitems: [5, {}]\n", "not in sync: a.yaml: want an object, not a number"},
		{"too large", space("one", "new") + strings.Repeat("#", testLimit), "not in sync: a.yaml: larger than 1048576 bytes"},
		{"no kind", space("one", "new") + "---\napiVersion: v1\nmetadata: {name: two}\n", "not in sync: a.yaml: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := follow(t, t.TempDir())
			l.write("a.yaml", space("one", "old")+"---\n"+space("two", "old"))
			l.want("Namespace/one", "Namespace/two", "in sync")
			l.write("a.yaml", c.content)
			l.want(c.why, "Namespace/one", "Namespace/two labels={l=old}", "error a.yaml")
			l.write("b.yaml", space("three", "x")) // additions go on
			l.want("Namespace/three", c.why)
			l.write("a.yaml", space("two", "new"))
			l.want("in sync", "!Namespace/one", "Namespace/two labels={l=new}", "!error")
		})
	}
}

// What was read before the agent was started again is not known, so that nothing in the
// file says what is missing.
func TestAFileJustBegunIsNotInSync(t *testing.T) {
	for content, why := range map[string]string{
		"apiVers": "want an object, not text",
		"apiVersion: v1\nkind: List\nitems: [{}]\n":                       "no apiVersion and no kind",
		"apiVersion: v1\nkind: Pod\nmetadata: {namespace: n}\nspec: {}\n": "metadata.name: required",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		follow(t, dir).want("not in sync: a.yaml: "+why, "error a.yaml:")
	}
}

// An object without a name, taken for one, would have the better claim to another pod's
// addresses: its name comes first.
func TestAnObjectWithoutANameIsNone(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {namespace: n}\nspec: {nodeName: n1}\nstatus: {podIPs: [{ip: 192.0.2.7}, {ip: \"2001:db8::7\"}]}\n")
	l.write("b.yaml", space("one", "x"))
	l.want("Namespace/one", "!Pod/", "error a.yaml:3: document 1: Pod: metadata.name: required", "not in sync: a.yaml: metadata.name: required")
}

func TestADirectoryThatIsGoneTakesNothingWithIt(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "manifests")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l := follow(t, dir)
	l.write("a.yaml", space("one", "x"))
	l.want("Namespace/one", "in sync")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	l.want("not in sync", "Namespace/one")
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	l.want("in sync", "Namespace/one")
	if slices.Contains(l.sink.gone(), "Namespace/one") {
		t.Error("the namespace was reported gone")
	}
	l.write("b.yaml", space("two", "x"))
	l.want("Namespace/two")
}

func TestSubdirectoriesAreFollowedWheneverTheyCome(t *testing.T) {
	l := follow(t, t.TempDir())
	l.want("in sync")
	l.write("shop/prod/a.yaml", space("one", "x"))
	l.want("Namespace/one")
	l.write("shop/prod/b.json", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"}}`)
	l.want("Namespace/two")
	l.remove("shop")
	l.want("!Namespace/one", "!Namespace/two", "in sync")
}

// A mounted ConfigMap is a link ..data to a directory with the date in its name, swapped
// by a rename, and a link into ..data for each file.
func TestConfigMapsSwapTheirLinks(t *testing.T) {
	dir := t.TempDir()
	l := follow(t, dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l.write("..1/a.yaml", space("one", "old"))
	must(os.Symlink("..1", filepath.Join(dir, "..data")))
	must(os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	l.want("Namespace/one labels={l=old}", "in sync")
	l.write("..2/a.yaml", space("one", "new"))
	must(os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
	must(os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	must(os.RemoveAll(filepath.Join(dir, "..1")))
	l.want("Namespace/one labels={l=new}", "in sync")
	if slices.Contains(l.sink.gone(), "Namespace/one") {
		t.Error("the namespace was reported gone")
	}
}

func TestTheFirstOfTwoFilesCounts(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("b.yaml", space("one", "b"))
	l.want("Namespace/one labels={l=b}")
	l.write("a.yaml", space("one", "a"))
	l.want("Namespace/one labels={l=a}", "error b.yaml:1: document 1: Namespace one: stands in a.yaml:1: document 1 too")
	l.remove("a.yaml")
	l.want("Namespace/one labels={l=b}", "!error")
	l.write("b.yaml", space("one", "b")+"---\n"+space("one", "c"))
	l.want("Namespace/one labels={l=b}", "error b.yaml:5: document 2: Namespace one: stands in b.yaml:1: document 1 too")
}

func TestAFileIsReadWhenItsWriterIsDone(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("a.yaml", space("one", "x")+"---\n"+space("two", "x"))
	l.want("Namespace/two", "in sync")
	f, err := os.OpenFile(filepath.Join(l.dir, "a.yaml"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(space("one", "y")); err != nil {
		t.Fatal(err)
	}
	l.want("not in sync: a.yaml: somebody is writing it", "Namespace/one labels={l=x}", "Namespace/two")
	if _, err := f.WriteString("---\n" + space("two", "y")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l.want("in sync", "Namespace/one labels={l=y}", "Namespace/two labels={l=y}")
	if len(l.sink.gone()) > 0 {
		t.Errorf("reported gone: %v", l.sink.gone())
	}
}

func TestAnUnreadableObjectKeepsItsLastGoodVersion(t *testing.T) {
	policy := func(selector string) string {
		return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {selector: \"" + selector + "\", ingress: [{action: Deny}]}\n"
	}
	l := follow(t, t.TempDir())
	l.write("p.yaml", policy("app == 'web'"))
	l.want(`GlobalNetworkPolicy/p tier=default order=last selector=app == "web" types=ingress`)
	l.write("p.yaml", policy("app = 'api'"))
	l.want(`selector=app == "web"`, "error p.yaml", "spec.selector", "in sync")
	l.write("p.yaml", policy("app == 'api'"))
	l.want(`selector=app == "api"`, "!error")
}

func TestAnUnreadablePolicyWithoutAGoodVersionDenies(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("p.yaml", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {selector: \"app == 'web'\", types: [Sideways], ingress: [{action: Allow}]}\n")
	l.want(`GlobalNetworkPolicy/p tier=default order=last selector=app == "web" types=ingress,egress`, "ingress deny", "egress deny", "!allow from", "error p.yaml")
}

func TestWhatAnAgentPublishesIsMergedIntoItsNode(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("n.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n")
	l.want("Node/n1 address=192.0.2.1/32")
	p, err := NewPublisher(l.dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	publish := func(annotations map[string]string) {
		t.Helper()
		if err := p.Publish(t.Context(), source.NodePatch{Annotations: annotations, Conditions: []source.Condition{{Type: "MargayReady", Status: true}}}); err != nil {
			t.Fatal(err)
		}
	}
	publish(map[string]string{"projectcalico.org/IPv4Address": "192.0.2.1/24", "projectcalico.org/IPv6Address": "2001:db8::1/64"})
	l.want("Node/n1 address=192.0.2.1/24 address=2001:db8::1/64")
	publish(map[string]string{"projectcalico.org/IPv4Address": "192.0.2.1/24"}) // one family goes away
	l.want("Node/n1 address=192.0.2.1/24", "!2001:db8::1")
	l.remove(".published/n1.yaml")
	l.want("Node/n1 address=192.0.2.1/32")
}

// TestTheManifestDecidesOnTunnelAddresses: what the agent gives itself does not hide it.
func TestTheManifestDecidesOnTunnelAddresses(t *testing.T) {
	l := follow(t, t.TempDir())
	const node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, annotations: {%s}}\n"
	l.write("n.yaml", fmt.Sprintf(node, "projectcalico.org/IPv4VXLANTunnelAddr: 10.0.1.9"))
	p, err := NewPublisher(l.dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{"projectcalico.org/IPv4VXLANTunnelAddr": "10.0.1.0", "projectcalico.org/IPv6VXLANTunnelAddr": "fd00:1::"}
	if err := p.Publish(t.Context(), source.NodePatch{Annotations: own}); err != nil {
		t.Fatal(err)
	}
	l.want("Node/n1 vxlan-IPv4=10.0.1.9 vxlan-IPv6=fd00:1::")
	l.write("n.yaml", fmt.Sprintf(node, ""))
	l.want("Node/n1 vxlan-IPv4=10.0.1.0 vxlan-IPv6=fd00:1::")
}

// Were the directory made anew by who publishes, it would be read as one that is empty.
func TestPublishingDoesNotMakeTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	p, err := NewPublisher(dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	patch := source.NodePatch{Annotations: map[string]string{"projectcalico.org/IPv4Address": "192.0.2.1/24"}}
	if err := p.Publish(t.Context(), patch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("publishing without the directory: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), patch); err != nil {
		t.Errorf("once the directory is there: %v", err)
	}
}

func TestAPublishedPatchOfAnotherNodeIsNotUsed(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("n.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n")
	l.write(".published/n1.yaml", "metadata: {name: n2, annotations: {projectcalico.org/IPv4Address: 192.0.2.9/24}}\n")
	l.want("Node/n1", "!192.0.2.9", "warning .published/n1.yaml: Node/n1: patch not used")
	if _, err := NewPublisher(l.dir, "../n1"); err == nil {
		t.Error("a node name with a slash was taken")
	}
}

func TestOtherFilesAreNotLookedAt(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("notes.txt", "not: [yaml")
	l.write(".hidden.yaml", "not: [yaml")
	l.write("net.json", `{"cniVersion": "0.3.1", "ips": []}`)
	l.write("a.yaml", space("one", "x"))
	l.want("in sync", "Namespace/one", "note net.json: file: holds no Kubernetes object")
}
