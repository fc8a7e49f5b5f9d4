package config

// DatastoreType names where the agent reads the cluster's objects.
type DatastoreType string

// The kinds of datastore.
const (
	Kubernetes DatastoreType = "kubernetes" // the Kubernetes API server
	Files      DatastoreType = "files"      // a directory of manifests
)

// Datastore is where the cluster's objects are read, and as which node.
type Datastore struct {
	Type DatastoreType
	// Node is this node's name; empty only if it was not even detected.
	Node string
	// Directory holds the manifests, with Type Files.
	Directory string
	// MaxFileSize is the largest manifest file that is read, in bytes.
	MaxFileSize int64
	// Kubeconfig is the file that says how to reach the API server, with Type Kubernetes.
	Kubeconfig string
	// LostShare is how much of its policies, pools or blocks a list of the API server may
	// lack at once and be believed, as a percentage.
	LostShare int
}

func datastoreTable() Group {
	return Group{Title: "Datastore", Intro: "Where the agent reads the cluster's objects, and which node it is.",
		Settings: []Setting{{
			Name:    "DatastoreType",
			Value:   as(oneOf(Kubernetes, Files), func(s *Settings) *DatastoreType { return &s.Datastore.Type }),
			Default: "kubernetes", Restart: true,
			Help:    "Where the objects are: the Kubernetes API, or a directory of manifests.",
			Differs: "Felix has `etcdv3` (its default), which Margay has not, and no `files`. Flag `--datastore`.",
		}, {
			Name:    "FelixHostname",
			Value:   as(hostName(), func(s *Settings) *string { return &s.Datastore.Node }),
			Restart: true,
			Help:    "Name of this node in Kubernetes. Unset, it is the host name in lower case. Flag `--node`.",
		}, {
			Name:    "FilesDirectory",
			Value:   as(path(), func(s *Settings) *string { return &s.Datastore.Directory }),
			Restart: true,
			Help:    "Directory of manifests, watched with its sub-directories, for `DatastoreType=files`. Flag `--manifests`.",
			Differs: "Margay's own.",
		}, {
			Name:    "FilesMaxSizeMB",
			Value:   as(mebibytes(64<<10), func(s *Settings) *int64 { return &s.Datastore.MaxFileSize }),
			Default: "256",
			Help:    "Largest manifest file that is read, in MiB. The earlier objects of a larger one stay.",
			Differs: "Margay's own.",
		}, {
			Name:    "Kubeconfig",
			Value:   as(path(), func(s *Settings) *string { return &s.Datastore.Kubeconfig }),
			Restart: true,
			Help:    "File that says how to reach the API server, for `DatastoreType=kubernetes`. Unset, it is what `KUBECONFIG` names; without that, the pod's service account. Flag `--kubeconfig`.",
			Differs: "Margay's own; Felix reads `KUBECONFIG` alone.",
		}, {
			Name:    "KubernetesLostSharePercent",
			Value:   as(integer(0, 100), func(s *Settings) *int { return &s.Datastore.LostShare }),
			Default: "30",
			Help: "How much of its policies, of its pools or of its IPAM blocks a new list of the API server may lack, in percent, to be believed at once. " +
				"What a list lacks beyond that goes if a second list, within 10 s, lacks it too. 100 believes every list.",
			Differs: "Margay's own.",
		}},
	}
}
