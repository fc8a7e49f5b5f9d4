package main

import (
	"errors"
	"fmt"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/files"
)

// local is what is known before any object is read: the settings made on the node. Those
// about the datastore can only be made here.
type local struct {
	table    *config.Table
	layers   []config.Layer
	settings *config.Settings
}

// newLocal resolves the layers. Its error is that they name no source, or that the command
// line says what cannot be used: whoever wrote that is there to see it. From anywhere else,
// a wrong value is reported by the running agent.
func newLocal(layers []config.Layer) (*local, error) {
	table := config.NewTable()
	resolved := table.Resolve(layers, nil)
	for _, p := range resolved.Problems {
		if p.Source == config.Flag && (p.Kind == config.Unusable || p.Kind == config.Unknown) {
			p.Holds = ""
			return nil, errors.New(p.String())
		}
	}
	l := &local{table: table, layers: layers, settings: &resolved.Settings}
	switch at := l.settings.Datastore; {
	case at.Type != config.Files:
		return nil, fmt.Errorf("datastore %s: this release reads manifests only, the Kubernetes API comes with another one; use --datastore files --manifests DIR", at.Type)
	case at.Directory == "":
		return nil, errors.New("no directory of manifests given; use --manifests DIR (or FELIX_FILESDIRECTORY)")
	}
	return l, nil
}

// node is this node's name; empty if there is none.
func (l *local) node() string { return l.settings.Datastore.Node }

// sourceSettings are the settings that a source cannot take in while it runs: it is
// replaced when they change.
type sourceSettings struct {
	maxFileSize     int64
	interfacePrefix string
}

func sourceSettingsOf(s *config.Settings) sourceSettings {
	return sourceSettings{maxFileSize: s.Datastore.MaxFileSize, interfacePrefix: s.Interfaces.Prefixes[0]}
}

// newSource makes a source that tells the sink.
func (l *local) newSource(s sourceSettings, o files.Options) *files.Source {
	o.Directory = l.settings.Datastore.Directory
	o.MaxFileSize = s.maxFileSize
	o.Convert = convert.Options{InterfacePrefix: s.interfacePrefix}
	return files.New(o)
}

// newPublisher makes the way out for what the agent tells of its node. Its error is that
// the node has no name, or one that cannot be published.
func (l *local) newPublisher() (source.Publisher, error) {
	if l.node() == "" {
		return nil, errors.New("this node has no name; use --node NAME (or FELIX_FELIXHOSTNAME)")
	}
	return files.NewPublisher(l.settings.Datastore.Directory, l.node())
}
