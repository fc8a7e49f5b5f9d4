package demo

import (
	"context"
	"io"
	"net"
	"net/http"

	"github.com/margay-net/margay/internal/netlab"
)

// readinessURL is where an agent says whether it is ready. The address is written out because to look
// up a name Go would leave the thread, and with it the node.
const readinessURL = "http://127.0.0.1:9099/readiness?format=text"

// askReadiness asks, from inside a node, the agent that runs there. Any answer but a plain yes comes
// with its text.
func askReadiness(ctx context.Context, node *netlab.Node) (ready bool, text string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialFrom(node)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, readinessURL, nil)
	if err != nil {
		return false, "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return false, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode == http.StatusOK, answer.Status + "\n" + string(body), err
}

// dialFrom opens connections inside a node. A connection belongs to the namespace that its socket was
// opened in, wherever it is used.
func dialFrom(node *netlab.Node) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		var d net.Dialer
		err = node.Do(func() (err error) {
			conn, err = d.DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
}
