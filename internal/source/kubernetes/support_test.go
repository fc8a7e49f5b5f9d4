package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

func converter() *convert.Converter { return convert.New(convert.Options{}) }

func manifests() *manifest.Reader { return manifest.New(manifest.Options{}) }

func nameIn(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// rawOf is an object as the source gets it, of "apiVersion kind".
func rawOf(t *testing.T, what, text string) runtime.Object {
	t.Helper()
	apiVersion, kind, _ := strings.Cut(what, " ")
	switch kind {
	case "Pod":
		return into(t, text, &corev1.Pod{})
	case "Node":
		return into(t, text, &corev1.Node{})
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	o["apiVersion"], o["kind"] = apiVersion, kind
	whole, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return into(t, string(whole), &rawObject{})
}

func into[T runtime.Object](t *testing.T, text string, o T) T {
	t.Helper()
	if err := json.Unmarshal([]byte(text), o); err != nil {
		t.Fatal(err)
	}
	return o
}
