package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Cluster is what manifests say about machines: nodes, each with its pods.
type Cluster []netlab.NodeSpec

// ReadCluster reads the Nodes and Pods of a directory's manifests. Pods are named
// "namespace/name", and are made with the addresses that their status has.
func ReadCluster(directory string) (Cluster, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var nodes []corev1.Node
	var pods []corev1.Pod
	for _, path := range paths {
		n, p, err := readFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		nodes, pods = append(nodes, n...), append(pods, p...)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("no Node in the manifests of %s", directory)
	}
	return assemble(nodes, pods)
}

func readFile(path string) (nodes []corev1.Node, pods []corev1.Pod, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	documents := yaml.NewYAMLReader(bufio.NewReader(f))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nodes, pods, nil
		}
		var kind metav1.TypeMeta
		if err = errors.Join(err, yaml.Unmarshal(text, &kind)); err != nil {
			return nil, nil, err
		}
		switch kind.Kind {
		case "Node":
			var n corev1.Node
			err = yaml.Unmarshal(text, &n)
			nodes = append(nodes, n)
		case "Pod":
			var p corev1.Pod
			err = yaml.Unmarshal(text, &p)
			pods = append(pods, p)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// assemble puts the pods on their nodes.
func assemble(nodes []corev1.Node, pods []corev1.Pod) (Cluster, error) {
	var cluster Cluster
	for _, n := range nodes {
		spec := netlab.NodeSpec{Name: n.Name}
		for _, f := range family.All() {
			text, ok := n.Annotations["projectcalico.org/"+f.String()+"Address"]
			if !ok {
				continue
			}
			address, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, fmt.Errorf("node %s: %w", n.Name, err)
			}
			spec.Addresses = append(spec.Addresses, address)
		}
		cluster = append(cluster, spec)
	}
	for _, p := range pods {
		i := slices.IndexFunc(cluster, func(n netlab.NodeSpec) bool { return n.Name == p.Spec.NodeName })
		if i < 0 {
			return nil, fmt.Errorf("pod %s/%s: no node is named %q", p.Namespace, p.Name, p.Spec.NodeName)
		}
		spec := netlab.PodSpec{Name: p.Namespace + "/" + p.Name}
		for _, ip := range p.Status.PodIPs {
			a, err := netip.ParseAddr(ip.IP)
			if err != nil {
				return nil, fmt.Errorf("pod %s: %w", spec.Name, err)
			}
			spec.Addresses = append(spec.Addresses, a)
		}
		cluster[i].Pods = append(cluster[i].Pods, spec)
	}
	return cluster, nil
}

// families are the families of which a pod has an address, by the pod's name.
func (c Cluster) families() map[string]family.Set {
	all := make(map[string]family.Set)
	for _, n := range c {
		for _, p := range n.Pods {
			var set family.Set
			for _, a := range p.Addresses {
				set = set.With(family.Of(a))
			}
			all[p.Name] = set
		}
	}
	return all
}

// size counts the pods.
func (c Cluster) size() int {
	n := 0
	for _, node := range c {
		n += len(node.Pods)
	}
	return n
}
