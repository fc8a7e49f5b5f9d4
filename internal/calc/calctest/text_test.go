package calctest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/model"
)

// everything has each kind of object, written as the model prints it but for the quotes
// of a policy's selector.
const everything = `Pod/shop/web node=node-1 interface=cali1 status=10.0.0.1,fd00::1 annotated=10.0.0.1 service-account=db ports=http:tcp/80,dns:udp/53 allowed-sources=10.9.0.0/16 labels={app=web tier=db}
Pod/shop/x node=node-1 interface=cali1 released
Namespace/shop labels={team=a}
ServiceAccount/shop/db
KubernetesNetworkPolicy/shop/k tier=default order=1000 selector=` + "`app == \"web\"`" + ` types=ingress,egress
  ingress allow tcp from selector ` + "`a in {\"1\", \"2\"} && b == \"3\"`" + ` to ports 80,8000-8100 named ports http
  egress deny from not nets 10.0.0.0/8,fd00::/8 to not selector ` + "`has(x)`" + ` not ports 1-2 not named ports dns
GlobalNetworkPolicy/g tier=security order=last selector=` + "`all()`" + ` types=ingress
  ingress pass
Tier/security order=100 default=Pass
NetworkSet/shop/n labels={a=b} nets=192.0.2.0/24,2001:db8::/32
IPPool/v4 cidr=10.0.0.0/16 nat-outgoing disabled vxlan=CrossSubnet ipip=Always
IPAMBlock/b cidr=10.0.0.0/26 node=node-1 10.0.0.1=shop/web 10.0.0.2=shop/y@node-2 10.0.0.3=-
Node/node-1 address=192.0.2.1/24 address=2001:db8::1/64 pod-cidrs=10.1.0.0/24
Service/shop/s addresses=10.96.0.1,fd00:96::1
StandingRoute/cali1 to=10.0.0.1/32,fd00::1/128
`

func TestStatesAreWrittenAsTheModelPrintsThem(t *testing.T) {
	text := strings.Replace(everything, "address=192.0.2.1/24 address=", "address=192.0.2.1/24,", 1)
	s, err := ParseState("# a comment\n\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	for _, key := range slices.SortedFunc(maps.Keys(s), model.Key.Compare) {
		printed = append(printed, model.Event{Key: key, Value: s[key]}.String())
	}
	want := strings.ReplaceAll(strings.ReplaceAll(everything, "selector=`all()`", "selector=all()"), "selector=`app == \"web\"`", "selector=app == \"web\"")
	if got := strings.Join(printed, "\n") + "\n"; got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
}

func TestStatesThatAreWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Nothing/x", "names no object"},
		{"Pod/a/b/c", "names no object"},
		{"Pod/a/b color=red", "no such option: color"},
		{"Pod/a/b status=10.0.0.256", "10.0.0.256"},
		{"Pod/a/b ports=http:tcp/70000", "70000"},
		{"IPAMBlock/b cidr=10.0.0.0/26 here=a/b", "here"},
		{"Tier/t order=first", "first"},
		{"Tier/t default=Maybe", "Maybe is no action"},
		{"  ingress allow", "a rule of no policy"},
		{"NetworkPolicy/a/b\n  ingress", "a rule of no policy"},
		{"NetworkPolicy/a/b\n  ingress allow sideways x", "sideways: what?"},
		{"NetworkPolicy/a/b\n  ingress allow from colors red", "colors: what?"},
		{"NetworkPolicy/a/b\n  ingress allow from ports 80-x", "x"},
		{"NetworkPolicy/a/b\n  ingress allow from ports x", "x"},
	} {
		if _, err := ParseState(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error that says %q", c.text, err, c.want)
		}
	}
}
