package files

import (
	"path/filepath"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// nodePatch is what an agent publishes about its node, in the form of the Node object.
type nodePatch struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Status     nodePatchStatus   `json:"status,omitzero"`
}

type nodePatchStatus struct {
	Conditions []corev1.NodeCondition `json:"conditions,omitempty"`
}

// patchFile is a patch as it was last read.
type patchFile struct {
	stamp stamp
	node  string
}

// nodeObject is a Node as its manifest has it.
type nodeObject struct {
	original *corev1.Node
	doc      manifest.Document
}

// convertNode converts a Node with what is published about it. The manifest has the last word on
// what is given to the node: its agent gives that itself only if nobody else does.
func (c *catalogue) convertNode(o *object) {
	n := o.node.original
	if patch, ok := c.patches[n.Name]; ok {
		n = n.DeepCopy()
		if n.Annotations == nil {
			n.Annotations = map[string]string{}
		}
		for name, value := range patch.Metadata.Annotations {
			if n.Annotations[name] == "" || !convert.GivenToNode(name) {
				n.Annotations[name] = value
			}
		}
	}
	doc := o.node.doc
	r, _ := c.convert.Object(n, nil)
	o.key, o.value, o.problems = r.Key, r.Value, convert.Lines(&doc, r)
}

// patch puts a new patch of a node into force; a nil one takes it away.
func (c *catalogue) patch(node string, p *nodePatch) {
	if p == nil {
		delete(c.patches, node)
	} else {
		c.patches[node] = *p
	}
	key := manifest.Key{APIVersion: "v1", Kind: "Node", Name: node}
	for _, f := range c.in[key] {
		c.convertNode(f.objects[key])
		c.touch(f)
	}
	c.changed[key] = true
}

// updatePatches reads the patches that have changed. A patch that cannot be read leaves
// the earlier one in force: its agent writes it in one piece, so it will be back.
func (s *Source) updatePatches(l listing) {
	for path, known := range s.patches {
		if _, there := l.published[path]; !there && !l.hidden(path) {
			delete(s.patches, path)
			s.catalogue.patch(known.node, nil)
			s.sink.Report(path, nil)
			s.published(known.node)
		}
	}
	for path, now := range l.published {
		if s.patches[path].stamp == now {
			continue
		}
		node := strings.TrimSuffix(filepath.Base(path), ".yaml")
		s.patches[path] = patchFile{stamp: now, node: node}
		s.published(node)
		p, err := s.readPatch(path)
		if err == nil && p.Metadata.Name != node {
			err = errForeignName
		}
		if err != nil {
			s.sink.Report(path, []model.Problem{{Severity: model.Warning, Where: s.shortName(path), Object: "Node/" + node, Message: "patch not used: " + err.Error()}})
			continue
		}
		s.sink.Report(path, nil)
		if before, ok := s.catalogue.patches[node]; !ok || !reflect.DeepEqual(before, *p) {
			s.catalogue.patch(node, p)
		}
	}
}

func (s *Source) readPatch(path string) (*nodePatch, error) {
	s.await(path)
	in, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := s.reader.Load(awaiting{in, s.await})
	if err != nil {
		return nil, err
	}
	p := &nodePatch{}
	return p, yaml.Unmarshal([]byte(text), p)
}
