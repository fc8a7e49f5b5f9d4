package manifest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// podManifest is a pod as "kubectl get -o yaml" prints it, of about 4 KB.
func podManifest(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: v1
kind: Pod
metadata:
  annotations:
    cni.projectcalico.org/containerID: af3b93376fe0c1efac16aa8d6f5b28b4348414b6768b7d353b6e6faf5b%06d
    cni.projectcalico.org/podIP: 10.%d.%d.%d/32
    cni.projectcalico.org/podIPs: 10.%d.%d.%d/32,fd00:10:244::%x/128
    kubectl.kubernetes.io/restartedAt: "2026-11-20T10:00:00Z"
  creationTimestamp: "2026-11-20T10:00:00Z"
  generateName: web-7975959574-
  labels:
    app: web-%d
    pod-template-hash: "7975959574"
    tier: frontend
  name: web-7975959574-%05d
  namespace: team-%d
  ownerReferences:
  - apiVersion: apps/v1
    blockOwnerDeletion: true
    controller: true
    kind: ReplicaSet
    name: web-7975959574
    uid: 5e2b3a0c-1a5c-4f62-9d55-2f1b7d6a%04x
  resourceVersion: "%d"
  uid: 7c0a1d8e-6f0f-4a3e-8f27-1d1f1a0b%04x
spec:
`, i, i>>16, i>>8&255, i&255, i>>16, i>>8&255, i&255, i, i%50, i, i%25, i&0xffff, 1000+i, i&0xffff)
	b.WriteString("  containers:\n")
	for c := range 3 {
		fmt.Fprintf(&b, `  - args:
    - --listen=[::]:8080
    - --log-level=info
    env:
    - name: POD_IP
      valueFrom:
        fieldRef:
          apiVersion: v1
          fieldPath: status.podIP
    - name: MODE
      value: production
    image: registry.example.com/team/web:1.%d
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 3
      httpGet:
        path: /healthz
        port: 8080
        scheme: HTTP
      periodSeconds: 10
    name: c%d
    ports:
    - containerPort: 8080
      name: http-%d
      protocol: TCP
    resources:
      limits:
        cpu: 500m
        memory: 512Mi
      requests:
        cpu: 100m
        memory: 128Mi
    terminationMessagePath: /dev/termination-log
    volumeMounts:
    - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      name: kube-api-access-abcde
      readOnly: true
`, c, c, c)
	}
	fmt.Fprintf(&b, `  dnsPolicy: ClusterFirst
  nodeName: node-%04d
  restartPolicy: Always
  serviceAccountName: default
  tolerations:
  - effect: NoExecute
    key: node.kubernetes.io/not-ready
    operator: Exists
    tolerationSeconds: 300
  volumes:
  - name: kube-api-access-abcde
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          expirationSeconds: 3607
          path: token
status:
  conditions:
  - lastProbeTime: null
    lastTransitionTime: "2026-11-20T10:00:01Z"
    status: "True"
    type: Ready
  containerStatuses:
  - containerID: containerd://af3b93376fe0c1efac16aa8d6f5b28b4348414b6768b7d353b6e6faf5bf77fbf
    image: registry.example.com/team/web:1.0
    name: c0
    ready: true
    restartCount: 0
    state:
      running:
        startedAt: "2026-11-20T10:00:01Z"
  hostIP: 172.20.0.1
  phase: Running
  podIP: 10.%d.%d.%d
  podIPs:
  - ip: 10.%d.%d.%d
  - ip: fd00:10:244::%x
  qosClass: Burstable
  startTime: "2026-11-20T10:00:00Z"
`, i%1000, i>>16, i>>8&255, i&255, i>>16, i>>8&255, i&255, i)
	return b.String()
}

// policyManifest is a policy with rules for both families.
func policyManifest(i int) string {
	return fmt.Sprintf(`apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: policy-%d
  namespace: team-%d
spec:
  order: %d
  selector: app == 'web-%d' && tier != 'backend'
  types: [Ingress, Egress]
  ingress:
    - action: Allow
      protocol: TCP
      source:
        selector: app in {'a', 'b'}
        namespaceSelector: has(team)
      destination:
        ports: [80, 443, "8000:8100"]
    - action: Deny
      source:
        nets: [10.%d.0.0/16, "fd00:%x::/32"]
  egress:
    - action: Allow
      protocol: UDP
      destination:
        ports: [53]
`, i, i%25, i, i%50, i%256, i%65536)
}

func documents(n int, manifest func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("---\n" + manifest(i))
	}
	return b.String()
}

// list makes one document of many: "kubectl get -o yaml".
func list(n int, manifest func(int) string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nitems:\n")
	for i := range n {
		lines := strings.Split(strings.TrimSuffix(manifest(i), "\n"), "\n")
		b.WriteString("- " + strings.Join(lines, "\n  ") + "\n")
	}
	b.WriteString("kind: List\n")
	return b.String()
}

// jsonList is the same in JSON, by way of the reader's own trees.
func jsonList(b *testing.B, yaml string) string {
	b.Helper()
	n, err := parseYAML(chunk{yaml, 1}, limits{depth: 100})
	if err != nil {
		b.Fatal(err)
	}
	return string(n.appendJSON(nil))
}

// drain reads a file and returns the number of objects.
func drain(b *testing.B, r *Reader, data string) int {
	b.Helper()
	n := 0
	for d := range r.Documents("bench", data) {
		if !d.Usable() {
			b.Fatalf("%v", d.Problems)
		}
		n++
	}
	return n
}

func BenchmarkRead(b *testing.B) {
	pods, policies := documents(1000, podManifest), documents(1000, policyManifest)
	for _, c := range []struct {
		name string
		data string
	}{
		{"pods", pods},
		{"policies", policies},
		{"list", list(1000, podManifest)},
		{"json", jsonList(b, list(1000, podManifest))},
		{"library", strings.ReplaceAll(pods, "kind: Pod\n", "kind: !!str Pod\n")}, // what is beyond the fast parser
	} {
		b.Run(c.name, func(b *testing.B) {
			r := New(Options{})
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, r, c.data)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/object")
		})
	}
}

// BenchmarkLargeFile reads 200 MB of 50,000 pods and keeps the pods' names, as a caller keeps some part of
// each: what it costs is time, and the memory that is live at the end besides the file.
func BenchmarkLargeFile(b *testing.B) {
	data := documents(50_000, podManifest)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		names := make([]string, 0, 50_000)
		for d := range New(Options{}).Documents("bench", data) {
			names = append(names, d.Object.GetName())
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
		if len(names) != 50_000 {
			b.Fatal(len(names))
		}
		runtime.KeepAlive(names)
	}
}
