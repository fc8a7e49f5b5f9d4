package convert

import "testing"

func TestPods(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\n"
	const scheduled = "spec: {nodeName: n1}\n"
	const base = "Pod/shop/web node=n1 interface=cali551b05c3e54"
	const tail = " service-account=default labels={projectcalico.org/namespace=shop projectcalico.org/orchestrator=k8s projectcalico.org/serviceaccount=default}"
	cases{
		{"on the host network", head + "spec: {nodeName: n1, hostNetwork: true}\nstatus: {podIP: 192.0.2.1}\n", "Pod/shop/web gone"},
		{"not scheduled", head + "spec: {}\n", "Pod/shop/web gone"},
		{"without addresses yet", head + scheduled, base + tail},
		{"dual stack", head + scheduled + "status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}\n", base + " status=10.0.0.1,fd00::1" + tail},
		{"only podIP", head + scheduled + "status: {podIP: 'fd00::1'}\n", base + " status=fd00::1" + tail},
		{
			"annotated", head + "  annotations: {cni.projectcalico.org/podIPs: '10.0.0.1/32,fd00::1/128'}\n" + scheduled,
			base + " annotated=10.0.0.1,fd00::1" + tail,
		},
		{
			"annotated in the older form", head + "  annotations: {cni.projectcalico.org/podIP: 10.0.0.1/32}\n" + scheduled,
			base + " annotated=10.0.0.1" + tail,
		},
		{
			"annotated with a net", head + "  annotations: {cni.projectcalico.org/podIPs: '10.0.0.0/24,fd00::1/128'}\n" + scheduled,
			base + " annotated=fd00::1" + tail + "\nerror metadata.annotations[cni.projectcalico.org/podIPs] \"10.0.0.0/24\": is not an address that a pod can have",
		},
		{
			"with addresses that no pod has", head + scheduled + "status: {podIPs: [{ip: 'fe80::1'}, {ip: '127.0.0.1'}, {ip: 'x'}]}\n",
			base + tail +
				"\nerror status.podIPs[0].ip \"fe80::1\": is not an address that a pod can have" +
				"\nerror status.podIPs[1].ip \"127.0.0.1\": is not an address that a pod can have" +
				"\nerror status.podIPs[2].ip \"x\": is not an address that a pod can have",
		},
		{"succeeded", head + scheduled + "status: {phase: Succeeded, podIP: 10.0.0.1}\n", base + " released status=10.0.0.1" + tail},
		{"failed", head + scheduled + "status: {phase: Failed}\n", base + " released" + tail},
		{"torn down", head + "  annotations: {cni.projectcalico.org/podIPs: ''}\n" + scheduled + "status: {podIP: 10.0.0.1}\n", base + " released status=10.0.0.1" + tail},
		{
			"claiming labels that Calico gives", head + "  labels: {projectcalico.org/namespace: other, projectcalico.org/serviceaccount: admin, app: web}\n" + scheduled,
			base + " service-account=default labels={app=web projectcalico.org/namespace=shop projectcalico.org/orchestrator=k8s projectcalico.org/serviceaccount=default}",
		},
		{
			"with named ports",
			head + "spec: {nodeName: n1, initContainers: [{name: s, ports: [{name: dns, containerPort: 53, protocol: UDP}]}], containers: [{name: a, ports: [{name: http, containerPort: 80}, {containerPort: 81}, {name: bad, containerPort: 70000}]}]}\n",
			base + " service-account=default ports=dns:udp/53,http:tcp/80 labels={projectcalico.org/namespace=shop projectcalico.org/orchestrator=k8s projectcalico.org/serviceaccount=default}" +
				"\nerror spec.containers.a.ports.bad \"/70000\": is not a port",
		},
		{
			"with further sources", head + "  annotations: {cni.projectcalico.org/allowedSourcePrefixes: '[\"203.0.113.0/24\", \"2001:db8::1/64\"]'}\n" + scheduled,
			base + " service-account=default allowed-sources=203.0.113.0/24 labels={projectcalico.org/namespace=shop projectcalico.org/orchestrator=k8s projectcalico.org/serviceaccount=default}" +
				"\nerror metadata.annotations[cni.projectcalico.org/allowedSourcePrefixes] \"2001:db8::1/64\": is not a net; it is not allowed as a source",
		},
	}.run(t)
}

func TestNodesHaveOneAddressOfEachFamily(t *testing.T) {
	const head = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n"
	const status = "status: {addresses: [{type: Hostname, address: n1}, {type: ExternalIP, address: 'fd00::e'}, {type: InternalIP, address: 192.0.2.1}, {type: InternalIP, address: 192.0.2.2}, {type: ExternalIP, address: 198.51.100.1}]}\n"
	cases{
		{"first InternalIP, then ExternalIP, each family for itself", head + status, "Node/n1 address=192.0.2.1/32 address=fd00::e/128"},
		{
			"the annotation goes before them", head + "  annotations: {projectcalico.org/IPv4Address: 203.0.113.7/24}\n" + status,
			"Node/n1 address=203.0.113.7/24 address=fd00::e/128",
		},
		{
			"an annotation of the other family does not count", head + "  annotations: {projectcalico.org/IPv6Address: 203.0.113.7/24}\n" + status,
			"Node/n1 address=192.0.2.1/32 address=fd00::e/128\nerror metadata.annotations[projectcalico.org/IPv6Address] \"203.0.113.7/24\": is not an IPv6 address with the length of its subnet",
		},
		{"IPv6 only", head + "status: {addresses: [{type: InternalIP, address: 'fd00::1'}]}\n", "Node/n1 address=fd00::1/128"},
		{"link-local is no node's address", head + "status: {addresses: [{type: InternalIP, address: 'fe80::1'}]}\n", "Node/n1"},
		{
			"with podCIDRs", head + "spec: {podCIDRs: [10.1.0.0/24, 'fd00:1::/64', 10.2.0.1/24]}\n",
			"Node/n1 pod-cidrs=10.1.0.0/24,fd00:1::/64\nerror spec.podCIDRs \"10.2.0.1/24\": is not a net",
		},
		{
			"with podCIDRs that no pods can have", head + "spec: {podCIDRs: [0.0.0.0/0, '::/0', 10.3.0.0/24]}\nstatus: {addresses: [{type: InternalIP, address: 10.3.0.7}]}\n",
			"Node/n1 address=10.3.0.7/32\nerror spec.podCIDRs \"0.0.0.0/0\": holds the node's own address 10.3.0.7, and so no pods: it is left out\n" +
				"error spec.podCIDRs \"::/0\": is every address there is: it is left out\n" +
				"error spec.podCIDRs \"10.3.0.0/24\": holds the node's own address 10.3.0.7, and so no pods: it is left out",
		},
	}.run(t)
}
