package hostconfig_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/margay-net/margay/internal/hostconfig"
)

func TestWarnings(t *testing.T) {
	const (
		networkd = "run/systemd/netif/links/2"
		manager  = "run/NetworkManager/devices/2"
		both     = "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules = no\n"
		ours     = "[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:vxlan.calico;interface-name:vxlan-v6.calico;interface-name:tunl0\n"
	)
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // a word of each warning
	}{
		"neither runs":               {map[string]string{"etc/systemd/networkd.conf": "[Network]\n"}, nil},
		"networkd, by default":       {map[string]string{networkd: ""}, []string{"ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"}},
		"networkd, commented out":    {map[string]string{networkd: "", "etc/systemd/networkd.conf": "[Network]\n#ManageForeignRoutes=no\n"}, []string{"ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"}},
		"networkd, one of two":       {map[string]string{networkd: "", "etc/systemd/networkd.conf": "[Network]\nManageForeignRoutes=false\n"}, []string{"ManageForeignRoutingPolicyRules=no"}},
		"networkd, in order":         {map[string]string{networkd: "", "etc/systemd/networkd.conf": both}, nil},
		"networkd, by a drop-in":     {map[string]string{networkd: "", "etc/systemd/networkd.conf": "[Network]\nManageForeignRoutes=yes\n", "usr/lib/systemd/networkd.conf.d/50-calico.conf": both}, nil},
		"networkd, the last word":    {map[string]string{networkd: "", "etc/systemd/networkd.conf": both, "etc/systemd/networkd.conf.d/a.conf": "[Network]\nManageForeignRoutes=yes\n"}, []string{"ManageForeignRoutes=no"}},
		"networkd, a drop-in hidden": {map[string]string{networkd: "", "usr/lib/systemd/networkd.conf.d/a.conf": "[Network]\nManageForeignRoutes=yes\n", "etc/systemd/networkd.conf.d/a.conf": both}, nil},
		"networkd, other section":    {map[string]string{networkd: "", "etc/systemd/networkd.conf": strings.Replace(both, "Network", "DHCPv4", 1)}, []string{"ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"}},
		"manager, by default":        {map[string]string{manager: ""}, []string{"interface-name:cali*;interface-name:vxlan.calico;interface-name:vxlan-v6.calico;interface-name:tunl0"}},
		"manager, in order":          {map[string]string{manager: "", "etc/NetworkManager/conf.d/calico.conf": ours}, nil},
		"manager, by patterns":       {map[string]string{manager: "", "etc/NetworkManager/NetworkManager.conf": "[keyfile]\nunmanaged-devices=interface-name:cali*,interface-name:vxlan*, tunl?\n"}, nil},
		"manager, in two steps":      {map[string]string{manager: "", "etc/NetworkManager/NetworkManager.conf": "[keyfile]\nunmanaged-devices=interface-name:cali*\n", "etc/NetworkManager/conf.d/x.conf": "[keyfile]\nunmanaged-devices+=interface-name:*.calico;tunl0\n"}, nil},
		"manager, some":              {map[string]string{manager: "", "etc/NetworkManager/conf.d/x.conf": "[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*\n"}, []string{"add interface-name:vxlan.calico;interface-name:vxlan-v6.calico to"}},
		"both":                       {map[string]string{networkd: "", manager: "", "etc/systemd/networkd.conf": both}, []string{"NetworkManager"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for path, text := range c.files {
				root[path] = &fstest.MapFile{Data: []byte(text)}
			}
			got := hostconfig.Warnings(root)
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("%q, want %q", got[i], want)
				}
			}
		})
	}
}
