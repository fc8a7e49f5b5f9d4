package main

import (
	"context"
	"errors"
	"os"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/files"
	"github.com/margay-net/margay/internal/source/kubernetes"
)

// local is what is known before any object is read: the settings made on the node. Those
// about the datastore can only be made here.
type local struct {
	table    *config.Table
	layers   []config.Layer
	settings *config.Settings
	// api is the API server, if that is the datastore.
	api *kubernetes.Client
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
	case at.Type == config.Kubernetes:
		var err error
		if l.api, err = apiServer(at.Kubeconfig, os.LookupEnv); err != nil {
			return nil, err
		}
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
	lostShare       int
}

func sourceSettingsOf(s *config.Settings) sourceSettings {
	return sourceSettings{
		maxFileSize:     s.Datastore.MaxFileSize,
		interfacePrefix: s.Interfaces.Prefixes[0],
		lostShare:       s.Datastore.LostShare,
	}
}

// sourceOptions say whom a source tells.
type sourceOptions struct {
	sink source.Sink
	link func(kubernetes.Link) // may be nil
	// published is told of nodes about which something else is published; may be nil. The API
	// server needs none: it tells all that it has been told.
	published func(node string)
	events    *kubernetes.Recorder // may be nil
	saw       func(*corev1.Node)   // may be nil
	log       *logrus.Entry
}

// runner is a source.
type runner interface {
	Run(ctx context.Context) error
}

// newSource makes a source that tells the sink.
func (l *local) newSource(s sourceSettings, o sourceOptions) runner {
	conversion := convert.Options{InterfacePrefix: s.interfacePrefix}
	if l.api != nil {
		return kubernetes.New(kubernetes.Options{
			Client: l.api, Node: l.node(), Convert: conversion, LostShare: s.lostShare,
			Sink: o.sink, Link: o.link, Recorder: o.events, Saw: o.saw, Log: o.log,
		})
	}
	return files.New(files.Options{
		Directory: l.settings.Datastore.Directory, MaxFileSize: s.maxFileSize,
		Convert: conversion, Published: o.published, Sink: o.sink, Log: o.log,
	})
}

// newPublisher makes the way out for what the agent tells of its node. Its error is that
// the node has no name, or one that cannot be published.
func (l *local) newPublisher() (source.Publisher, error) {
	if l.node() == "" {
		return nil, errors.New("this node has no name; use --node NAME (or FELIX_FELIXHOSTNAME)")
	}
	if l.api != nil {
		return kubernetes.NewPublisher(l.api, l.node())
	}
	return files.NewPublisher(l.settings.Datastore.Directory, l.node())
}
