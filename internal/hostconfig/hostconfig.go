// Package hostconfig looks at how other programs on the node that configure its network are set
// up, and says what of it does not go together with an agent.
//
//   - systemd-networkd removes routes and rules that it has not made itself, when it starts and
//     whenever its own configuration is read again (ManageForeignRoutes and
//     ManageForeignRoutingPolicyRules, both on by default; networkd.conf(5)).
//   - NetworkManager takes charge of interfaces that appear (unmanaged-devices,
//     NetworkManager.conf(5)).
//
// What they take away, the agent puts back within a second; until then, packets are lost.
//
// Nothing is changed here. A program that does not run on the node, or whose files cannot be
// seen from where the agent runs, is not spoken of.
package hostconfig

import (
	"bufio"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Warnings are what is to be changed, a sentence each, in a file system whose root is the
// node's.
func Warnings(root fs.FS) []string {
	return slices.Concat(networkd(root), networkManager(root))
}

// networkd keeps its state below run/systemd/netif for as long as it runs.
func networkd(root fs.FS) []string {
	if !exists(root, "run/systemd/netif/links") {
		return nil
	}
	var out []string
	values := settings(root, "systemd/networkd.conf")
	for _, name := range []string{"ManageForeignRoutes", "ManageForeignRoutingPolicyRules"} {
		if on := values["Network."+name]; !slices.Contains([]string{"no", "false", "off", "0"}, on) {
			out = append(out, fmt.Sprintf("systemd-networkd removes what the agent has made: set %s=no in [Network] of networkd.conf", name))
		}
	}
	return out
}

// networkManager keeps its state below run/NetworkManager.
func networkManager(root fs.FS) []string {
	if !exists(root, "run/NetworkManager") {
		return nil
	}
	unmanaged := settings(root, "NetworkManager/NetworkManager.conf")["keyfile.unmanaged-devices"]
	var missing []string
	for _, name := range []string{"cali*", "vxlan.calico", "vxlan-v6.calico", "tunl0"} {
		if !leftAlone(unmanaged, name) {
			missing = append(missing, "interface-name:"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []string{"NetworkManager takes charge of the agent's interfaces: add " + strings.Join(missing, ";") +
		" to unmanaged-devices in [keyfile] of NetworkManager.conf"}
}

// leftAlone says whether a list of device specifications holds an interface name, or a pattern
// for it.
func leftAlone(list, name string) bool {
	for _, spec := range strings.FieldsFunc(list, func(c rune) bool { return c == ';' || c == ',' }) {
		spec = strings.TrimSpace(spec)
		spec = strings.TrimPrefix(spec, "interface-name:")
		if matched, err := path.Match(spec, name); err == nil && matched || spec == name {
			return true
		}
	}
	return false
}

// settings are those of a program whose main file, and drop-ins beside it, lie below etc, run or
// usr/lib: "Section.Name" and the last word on it. A drop-in of the same file name counts once,
// from the first of these places (systemd.syntax(7)).
func settings(root fs.FS, main string) map[string]string {
	directories := []string{main + ".d"}
	if strings.HasPrefix(main, "NetworkManager/") {
		directories = []string{"NetworkManager/conf.d"}
	}
	places := []string{"etc", "run", "usr/local/lib", "usr/lib"}
	files := map[string]string{}
	for _, place := range slices.Backward(places) {
		for _, d := range directories {
			found, _ := fs.Glob(root, path.Join(place, d, "*.conf"))
			for _, f := range found {
				files[path.Base(f)] = f
			}
		}
	}
	out := map[string]string{}
	for _, place := range slices.Backward(places) {
		read(root, path.Join(place, main), out)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		read(root, files[name], out)
	}
	return out
}

// read adds what an INI file says. One that cannot be read says nothing. Keys that end in a plus
// add to what was said before (NetworkManager).
func read(root fs.FS, name string, into map[string]string) {
	f, err := root.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, is := strings.Cut(line, "=")
		if !is || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if more, adds := strings.CutSuffix(key, "+"); adds {
			key, value = more, into[section+"."+more]+";"+value
		}
		into[section+"."+key] = value
	}
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}
