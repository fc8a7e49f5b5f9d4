package cluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// Call is a request to the server, from its audit log.
type Call struct {
	// User is who asked: "system:serviceaccount:kube-system:margay", "admin".
	User string
	// Node is the node that the user's token is bound to by its pod; empty if it is not.
	Node string
	// Verb is the authorizer's: get, list, watch, create, update, patch, delete.
	Verb string
	// Resource with its group and sub-resource: "pods", "pods/status", "ippools.crd.projectcalico.org".
	Resource string
	// Namespace and Name of the object, as far as the request has them.
	Namespace, Name string
	// URI is the request's path and query.
	URI string
	// Agent is the client's name of itself.
	Agent string
	// Status is the HTTP status, 0 as long as a watch goes on.
	Status int
	// Denied says that the authorizer refused the request. (An admission policy that refuses one
	// answers with the same status, 403.)
	Denied bool
	// At is when the request came, Answered when its answer was complete, or began if it is a watch.
	At, Answered time.Time
}

// String is one line, such as `403 list pods ?limit=500 by system:serviceaccount:kube-system:margay`.
func (c Call) String() string {
	object := c.Resource
	if c.Namespace != "" || c.Name != "" {
		object += " " + strings.Trim(c.Namespace+"/"+c.Name, "/")
	}
	return fmt.Sprintf("%d %s %s %s by %s", c.Status, c.Verb, object, c.URI, c.User)
}

// Account is the user name of a service account, "namespace/name".
func Account(account string) string {
	namespace, name := split(account)
	return "system:serviceaccount:" + namespace + ":" + name
}

// Calls are the requests of an account that the server has answered, in the order of the answers;
// those of everybody if the account is empty. It may be called from any goroutine.
func (c *Cluster) Calls(account string) []Call {
	c.t.Helper()
	file, err := os.Open(c.path("audit.log"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		c.t.Error(err)
		return nil
	}
	defer file.Close()
	var calls []Call
	at := map[string]int{} // by audit id: a watch is told of when it begins and when it ends
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			break // the last line, half written
		}
		if account != "" && e.User.Username != Account(account) {
			continue
		}
		if i, known := at[e.AuditID]; known {
			calls[i] = e.call()
			continue
		}
		at[e.AuditID] = len(calls)
		calls = append(calls, e.call())
	}
	return calls
}

// Forbidden are the requests of an account that the authorizer refused.
func (c *Cluster) Forbidden(account string) []Call {
	c.t.Helper()
	var forbidden []Call
	for _, call := range c.Calls(account) {
		if call.Denied {
			forbidden = append(forbidden, call)
		}
	}
	return forbidden
}

// CallsSince are the requests of an account that came after a moment.
func (c *Cluster) CallsSince(account string, moment time.Time) []Call {
	c.t.Helper()
	var since []Call
	for _, call := range c.Calls(account) {
		if call.At.After(moment) {
			since = append(since, call)
		}
	}
	return since
}

// auditEvent is what is read of an event of audit.k8s.io/v1.
type auditEvent struct {
	AuditID    string
	Verb       string
	RequestURI string
	UserAgent  string
	User       struct {
		Username string
		Extra    map[string][]string
	}
	ObjectRef struct {
		APIGroup, Resource, Subresource, Namespace, Name string
	}
	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp time.Time
	StageTimestamp           time.Time
	Stage                    string
	Annotations              map[string]string
}

func (e auditEvent) call() Call {
	call := Call{
		User: e.User.Username, Verb: e.Verb, Resource: e.ObjectRef.Resource,
		Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name,
		URI: e.RequestURI, Agent: e.UserAgent,
		Status: e.ResponseStatus.Code,
		Denied: e.Annotations["authorization.k8s.io/decision"] == "forbid",
		At:     e.RequestReceivedTimestamp, Answered: e.StageTimestamp,
	}
	if e.ObjectRef.APIGroup != "" {
		call.Resource += "." + e.ObjectRef.APIGroup
	}
	if e.ObjectRef.Subresource != "" {
		call.Resource += "/" + e.ObjectRef.Subresource
	}
	if e.Stage == "ResponseStarted" && call.Status == http.StatusOK {
		call.Status = 0
	}
	if node := e.User.Extra["authentication.kubernetes.io/node-name"]; len(node) > 0 {
		call.Node = node[0]
	}
	return call
}
