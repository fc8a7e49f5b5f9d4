package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/internal/source"
)

var errForeignName = errors.New("it names another node")

// Publisher publishes what an agent tells about its node as a file that the agents on
// the same directory merge into the Node object.
type Publisher struct {
	path string
	node string
}

// NewPublisher makes the Publisher of a node on a directory of manifests.
func NewPublisher(directory, node string) (*Publisher, error) {
	if node == "" || strings.ContainsAny(node, "/\x00") || strings.HasPrefix(node, ".") {
		return nil, fmt.Errorf("node name %q cannot be a file's name", node)
	}
	return &Publisher{path: filepath.Join(directory, publishedDirectory, node+".yaml"), node: node}, nil
}

// Publish writes the patch in one piece: readers see the old one or the new one. What is
// published already is not written again: what stands in the file decides, since the directory
// may have been replaced by another.
func (p *Publisher) Publish(_ context.Context, patch source.NodePatch) error {
	data, err := yaml.Marshal(p.form(patch))
	if err != nil {
		return fmt.Errorf("publish node %s: %w", p.node, err)
	}
	if p.stands(data) {
		return nil
	}
	if err := p.write(data); err != nil {
		return fmt.Errorf("publish node %s: %w", p.node, err)
	}
	return nil
}

// stands says whether the file has this content.
func (p *Publisher) stands(data []byte) bool {
	f, err := openRegular(p.path)
	if err != nil {
		return false
	}
	defer f.Close()
	have, err := io.ReadAll(io.LimitReader(f, int64(len(data))+1))
	return err == nil && bytes.Equal(have, data)
}

func (p *Publisher) form(patch source.NodePatch) nodePatch {
	out := nodePatch{
		APIVersion: "v1",
		Kind:       "Node",
		Metadata:   metav1.ObjectMeta{Name: p.node, Annotations: patch.Annotations},
	}
	for _, c := range patch.Conditions {
		status := corev1.ConditionFalse
		if c.Status {
			status = corev1.ConditionTrue
		}
		out.Status.Conditions = append(out.Status.Conditions, corev1.NodeCondition{
			Type: corev1.NodeConditionType(c.Type), Status: status, Reason: c.Reason, Message: c.Message,
		})
	}
	return out
}

// write puts the patch in its place. The directory of manifests itself is never made: where
// it is gone, an empty one in its place would tell every agent that all objects are gone.
func (p *Publisher) write(data []byte) error {
	if err := os.Mkdir(filepath.Dir(p.path), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return replaceFile(p.path, data)
}

// replaceFile writes a file beside the one that it then takes the place of.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // of no effect once it has been renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
