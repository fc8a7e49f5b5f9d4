// Command components is a Kubernetes control plane in one program: etcd, kube-apiserver and
// kubectl, told apart by the name that it is started under or by its first argument.
//
// They share most of their code, so that one program takes a third of the disk and of the
// linking that three take. It is a module of its own because it needs the libraries of one
// release of Kubernetes, which are not those that the agent is built with.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args
	if name == "components" && len(args) > 1 {
		name, args = args[1], args[1:]
	}
	os.Args = args // each of them reads its arguments from there
	switch name {
	case "etcd":
		etcdmain.Main(args)
	case "kube-apiserver":
		run(apiserver.NewAPIServerCommand())
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: components etcd|kube-apiserver|kubectl [flags]")
		os.Exit(2)
	}
}

func run(c *cobra.Command) { os.Exit(cli.Run(c)) }
