package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// definitions is a server with the resource definitions of deploy/crds.
type definitions struct {
	*cluster.Cluster
	byKind map[string]definition
	// refused are the messages that the server has given, by kind.
	refused map[string]string
}

// definition is what is read of a file of deploy/crds.
type definition struct {
	Spec struct {
		Group, Scope string
		Names        struct{ Kind, Plural string }
		Versions     []struct {
			Name   string
			Schema map[string]any
		}
	}
}

// specCase is an object by its spec, in YAML, and what the server says of it.
type specCase struct {
	spec string
	want string // part of what the server says; empty: it takes the object
	// agent says why the agent's own validation comes to something else; empty: it must not.
	agent string
	name  string // of the object; by default "x"
}

func startDefinitions(t *testing.T) *definitions {
	t.Helper()
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{}), byKind: map[string]definition{}, refused: map[string]string{}}
	d.kubectl(t, "apply", "--validate=strict", "-k", "deploy/crds")
	d.kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	files, err := filepath.Glob("../../deploy/crds/projectcalico.org_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("definitions: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var def definition
		if err := yaml.Unmarshal(text, &def); err != nil {
			t.Fatal(err)
		}
		d.byKind[def.Spec.Names.Kind] = def
	}
	d.awaitAdmission(t)
	return d
}

func (d *definitions) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.Kubectl("", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// awaitAdmission waits until the server enforces policy-fields: it does so some moments after it
// has taken the policy in, and does not say when.
func (d *definitions) awaitAdmission(t *testing.T) {
	t.Helper()
	wrong := specCase{spec: "{ingress: [{action: Allow, source: {nets: [10.0.0.1/8]}}]}"}
	deadline := time.Now().Add(time.Minute)
	for d.create(t, "NetworkPolicy", wrong) == nil {
		if time.Now().After(deadline) {
			t.Fatal("policy-fields is not enforced")
		}
	}
}

// resource is the client of a kind.
func (d *definitions) resource(t *testing.T, kind string) dynamic.ResourceInterface {
	t.Helper()
	def, ok := d.byKind[kind]
	if !ok {
		t.Fatalf("no definition of %s", kind)
	}
	r := d.Dynamic.Resource(schema.GroupVersionResource{Group: def.Spec.Group, Version: def.Spec.Versions[0].Name, Resource: def.Spec.Names.Plural})
	if def.Spec.Scope == "Namespaced" {
		return r.Namespace("default")
	}
	return r
}

func object(t *testing.T, kind string, c specCase) *unstructured.Unstructured {
	t.Helper()
	name := c.name
	if name == "" {
		name = "x"
	}
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", api.APIVersion, kind, name, c.spec)
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return o
}

// create has the server check an object, and not keep it.
func (d *definitions) create(t *testing.T, kind string, c specCase) error {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	_, err := d.resource(t, kind).Create(ctx, object(t, kind, c), meta.CreateOptions{
		DryRun: []string{meta.DryRunAll}, FieldValidation: meta.FieldValidationStrict})
	if err != nil {
		d.refused[kind] += err.Error() + "\n"
	}
	return err
}

// check has the server and the agent's validation judge objects, and compares what they say.
func (d *definitions) check(t *testing.T, kind string, cases []specCase) {
	t.Helper()
	for _, c := range cases {
		err := d.create(t, kind, c)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %s: refused: %v", kind, c.spec, err)
		case c.want != "" && err == nil:
			t.Errorf("%s %s: taken, want %q", kind, c.spec, c.want)
		case c.want != "" && (!strings.Contains(err.Error(), c.want) || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err)):
			t.Errorf("%s %s: want %q, got %v", kind, c.spec, c.want, err)
		}
		if problems := ofAgent(t, kind, c); (c.want != "") == (len(problems) > 0) == (c.agent != "") {
			t.Errorf("%s %s: server: %v; agent: %v; different on purpose: %q", kind, c.spec, err, problems, c.agent)
		}
	}
}

// ofAgent is what the agent finds wrong with an object, apart from warnings.
func ofAgent(t *testing.T, kind string, c specCase) []string {
	t.Helper()
	text, err := object(t, kind, c).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	r := api.New(kind)
	if err := yaml.UnmarshalStrict(text, r); err != nil {
		return []string{err.Error()}
	}
	r.Default()
	var problems []string
	for _, p := range r.Validate() {
		if !p.Warning {
			problems = append(problems, p.Error())
		}
	}
	return problems
}

// checkEveryRuleRefused checks that each CEL rule of a kind has refused something.
func (d *definitions) checkEveryRuleRefused(t *testing.T, kind string) {
	t.Helper()
	for _, version := range d.byKind[kind].Spec.Versions {
		for message := range rulesBelow(version.Schema) {
			if !strings.Contains(d.refused[kind], message) {
				t.Errorf("%s: no case for the rule that says %q", kind, message)
			}
		}
	}
}

// rulesBelow are the messages of the CEL rules in a schema.
func rulesBelow(node any) map[string]bool {
	messages := map[string]bool{}
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if key == "x-kubernetes-validations" {
				for _, rule := range value.([]any) {
					messages[rule.(map[string]any)["message"].(string)] = true
				}
				continue
			}
			for m := range rulesBelow(value) {
				messages[m] = true
			}
		}
	case []any:
		for _, value := range node {
			for m := range rulesBelow(value) {
				messages[m] = true
			}
		}
	}
	return messages
}

// keep has the server keep an object, and removes it with the test.
func (d *definitions) keep(t *testing.T, kind string, c specCase) *unstructured.Unstructured {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	o, err := d.resource(t, kind).Create(ctx, object(t, kind, c), meta.CreateOptions{FieldValidation: meta.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.resource(t, kind).Delete(ctx, o.GetName(), meta.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return o
}
