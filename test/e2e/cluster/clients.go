package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Config is the administrator's configuration of a client. Its connections start in the control
// plane's namespace, so that no policy of a node stands in their way.
func (c *Cluster) Config() *rest.Config { return c.configOf("admin") }

// KubeletConfig is the configuration of a client that is the kubelet of a node.
func (c *Cluster) KubeletConfig(node string) *rest.Config { return c.configOf("kubelet-" + node) }

// configOf has the identity of a certificate that the authority has signed.
func (c *Cluster) configOf(file string) *rest.Config {
	config := c.anonymous()
	config.CertFile, config.KeyFile = c.authority.path(file+".crt"), c.authority.path(file+".key")
	return config
}

// ConfigFor is the configuration of a client with a token.
func (c *Cluster) ConfigFor(token string) *rest.Config {
	config := c.anonymous()
	config.BearerToken = token
	return config
}

// As is a client with a token.
func (c *Cluster) As(token string) kubernetes.Interface {
	c.t.Helper()
	client, err := kubernetes.NewForConfig(c.ConfigFor(token))
	c.must(err)
	return client
}

func (c *Cluster) anonymous() *rest.Config {
	return &rest.Config{
		Host:            c.ServerURL(),
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.authority.path("ca.crt")},
		Dial:            c.control.Dial,
		QPS:             -1, // no limit
	}
}

// Dial opens a connection from inside the node, to an address and not a name.
func (n *Node) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.Do(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// TokenOptions say what a token is bound to.
type TokenOptions struct {
	// Pod is the pod, in the account's namespace, that the token is bound to: the server adds
	// the pod's node to what it knows of the user. Empty: to nothing.
	Pod string
	// Seconds until the token expires; 0 is an hour. The server takes no less than 600.
	Seconds int64
}

// Token asks the server for a token of a service account, "namespace/name", as a kubelet does for
// a pod.
func (c *Cluster) Token(account string, o TokenOptions) string {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	namespace, name := split(account)
	request := &authentication.TokenRequest{}
	if o.Seconds != 0 {
		request.Spec.ExpirationSeconds = &o.Seconds
	}
	if o.Pod != "" {
		pod, err := c.Admin.CoreV1().Pods(namespace).Get(ctx, o.Pod, meta.GetOptions{})
		c.must(err)
		request.Spec.BoundObjectRef = &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: o.Pod, UID: pod.UID}
	}
	got, err := c.Admin.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, meta.CreateOptions{})
	c.must(err)
	return got.Status.Token
}

// split takes "namespace/name" apart; without a namespace it is "default".
func split(path string) (namespace, name string) {
	namespace, name, found := strings.Cut(path, "/")
	if !found {
		return "default", path
	}
	return namespace, name
}

// get asks the server, or etcd, by HTTP; any status but 200 is an error.
func (c *Cluster) get(ctx context.Context, url string) error {
	config, err := rest.TLSConfigFor(c.Config())
	if err != nil {
		return err
	}
	_, err = httpGet(ctx, url, c.control.Dial, config)
	return err
}

// httpGet asks over a connection of its own.
func httpGet(ctx context.Context, url string, dial func(context.Context, string, string) (net.Conn, error), config *tls.Config) (string, error) {
	client := &http.Client{Transport: &http.Transport{DialContext: dial, TLSClientConfig: config, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, strings.TrimSpace(string(body)))
	}
	return string(body), err
}

// writeKubeconfig writes the file that kubectl, and people who look, use.
func (c *Cluster) writeKubeconfig() error {
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: c.ServerURL(), CertificateAuthority: c.authority.path("ca.crt")}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificate: c.authority.path("admin.crt"), ClientKey: c.authority.path("admin.key")}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "admin"}
	config.CurrentContext = "e2e"
	return clientcmd.WriteToFile(*config, c.path("kubeconfig"))
}

// Kubectl runs kubectl as the administrator and returns what it says on its standard output. The
// error has what it says on the other.
func (c *Cluster) Kubectl(input string, args ...string) (string, error) {
	ctx, cancel := c.Context()
	defer cancel()
	command := c.control.CommandContext(ctx, c.components, slices.Concat([]string{"kubectl"}, args)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.path("kubeconfig"), "KUBECACHEDIR="+c.path("kubectl-cache"))
	command.Dir = topOfTree(c.t)
	command.Stdin = strings.NewReader(input)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// Apply gives manifests, YAML or JSON, to kubectl apply with strict validation. Paths of files are
// Kubectl's: c.Kubectl("", "apply", "-f", "deploy/rbac.yaml"), from the top of the tree.
func (c *Cluster) Apply(manifests string) {
	c.t.Helper()
	_, err := c.Kubectl(manifests, "apply", "--validate=strict", "-f", "-")
	c.must(err)
}
