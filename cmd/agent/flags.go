package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/margay-net/margay/internal/config"
)

// flags are those that make settings, which run and the offline dumps have in common.
type flags struct {
	datastore, manifests, kubeconfig string
	node, level                      string
	file                             string
	set                              []string
}

func (f *flags) register(set *pflag.FlagSet) {
	set.StringVar(&f.datastore, "datastore", "", "where the cluster's objects are: kubernetes or files (FELIX_DATASTORETYPE); --manifests means files, else it is kubernetes")
	set.StringVar(&f.kubeconfig, "kubeconfig", "", "`file` that says how to reach the API server (FELIX_KUBECONFIG; default KUBECONFIG, or the pod's service account)")
	f.registerManifests(set)
	set.StringVar(&f.file, "config", "", "settings `file` in the form of felix.cfg (default "+config.DefaultFile+", if there is one)")
	set.StringVar(&f.level, "log-level", "", "least `severity` logged: TRACE, DEBUG, INFO, WARNING, ERROR, FATAL, NONE (FELIX_LOGSEVERITYSCREEN)")
	set.StringArrayVar(&f.set, "set", nil, "make a setting, as `NAME=VALUE`; may be repeated; it goes before all other sources")
}

func (f *flags) registerManifests(set *pflag.FlagSet) {
	set.StringVar(&f.manifests, "manifests", "", "`directory` of manifests, with its sub-directories (FELIX_FILESDIRECTORY)")
	set.StringVar(&f.node, "node", "", "`name` of this node in the cluster (FELIX_FELIXHOSTNAME; default the host's name in lower case)")
}

// local are the settings made locally: by flags, environment (as os.Environ returns it),
// file, and as found on the node.
func (f *flags) local(environ []string) (*local, error) {
	layers, err := f.layers(environ)
	if err != nil {
		return nil, err
	}
	return newLocal(layers)
}

func (f *flags) layers(environ []string) ([]config.Layer, error) {
	made := map[string]string{
		"DatastoreType":     f.datastore,
		"FilesDirectory":    f.manifests,
		"Kubeconfig":        f.kubeconfig,
		"FelixHostname":     f.node,
		"LogSeverityScreen": f.level,
	}
	if f.datastore == "" && f.manifests != "" {
		made["DatastoreType"] = string(config.Files)
	}
	for _, text := range f.set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--set %q: expected NAME=VALUE", text)
		}
		made[name] = value
	}
	layers := []config.Layer{config.FromFlags(made), config.FromEnvironment(environ), detected()}
	if file, ok := f.fileLayer(); ok {
		layers = append(layers, file)
	}
	return layers, nil
}

// fileLayer reads the settings file. One that was asked for and cannot be read is a
// problem of the settings, as a wrong value in it would be.
func (f *flags) fileLayer() (config.Layer, bool) {
	path := f.file
	if path == "" {
		path = config.DefaultFile
	}
	content, err := os.ReadFile(path)
	switch {
	case err == nil:
		return config.ParseFile(path, content), true
	case f.file == "" && errors.Is(err, fs.ErrNotExist):
		return config.Layer{}, false
	}
	layer := config.Layer{Source: config.File, Name: path}
	layer.Problems = []config.Problem{{Kind: config.Unusable, Source: config.File, Layer: path, Setting: "file", Reason: err.Error()}}
	return layer, true
}

// detected is what the node itself says. A host without a name has none here either.
func detected() config.Layer {
	name, err := os.Hostname()
	if err != nil {
		name = ""
	}
	return config.FromNode(map[string]string{"FelixHostname": strings.ToLower(name)})
}
