# `make` or `make help` lists what there is. Nothing but Go is needed to build and test; kernel
# tests run in namespaces of their own, as root or not.

GO      ?= go
CACHE   := $(CURDIR)/.cache
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

# The everyday kernel tests that also run on Debian's kernel, the longest first.
KERNEL_PACKAGES ?= internal/dataplane internal/vxlan internal/nftables internal/routes internal/netlab internal/ipip \
	internal/interfaces internal/interfaces/rtnetlink internal/conntrack internal/wireguard
FUZZ_SECONDS    ?= 5

DOCKER  ?= docker
IMAGE   ?= margay
VERSION ?= dev

.DEFAULT_GOAL := help
.PHONY: help build test test-e2e bench bench-e2e demo demo-clean lint fuzz test-backends test-vm generate generate-check image sbom clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the agent, static: bin/agent
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/agent ./cmd/agent

test: ## vet, unit, property and kernel tests (MARGAY_REQUIRE_KERNEL_TESTS=1: kernel tests must run)
	$(GO) vet ./...
	@mkdir -p $(CACHE) && rm -f $(CACHE)/skipped
	@MARGAY_SKIP_LOG=$(CACHE)/skipped $(GO) test -count=1 ./...; status=$$?; \
	cat $(CACHE)/skipped 2>/dev/null; exit $$status

test-e2e: build ## with a real kube-apiserver and etcd, which it builds first. RUN=NAME: those tests; KEEP=1: a failed one stays up
	@hack/need ip=iproute2 nft=nftables
	hack/e2e-components
	cd test/e2e && $(GO) vet ./... && $(GO) test -count=1 -p 1 $(if $(RUN),-run '$(RUN)') \
	  $(if $(filter-out 0 no,$(KEEP)),-v -timeout 0,-timeout 30m) ./...

bench-e2e: build ## an agent beside a real API server with 10,000 pods: its start, its memory, changes
	hack/e2e-components
	cd test/e2e && $(GO) test -run '^$$' -bench LargeCluster -benchtime 3x . && $(GO) test -run '^$$' -bench ChangeToKernel -benchtime 1000x .

test-backends: ## the kernel tests of internal/dataplane once more, with policy in each variant of iptables
	@hack/need iptables=iptables ipset=ipset
	@for backend in iptables-nft iptables-legacy; do \
	  MARGAY_TEST_BACKEND=$$backend $(GO) test -count=1 ./internal/dataplane || exit 1; done

bench: build ## the figures of docs/performance.md, as root. SIZE=medium CASES="cold changes": only those
	@hack/need nft=nftables
	$(GO) build -o bin/benchmark ./internal/benchmark
	bin/benchmark $(if $(SIZE),-size $(SIZE)) $(CASES)
	$(if $(CASES),,$(GO) test -run '^$$' -bench . -benchmem ./...)

demo: build ## three nodes that talk, in namespaces; as root. ENCAP=vxlan MODE=CrossSubnet, ENCAP=wireguard: through tunnels; BACKEND=iptables; KEEP=1 leaves them up
	@hack/need ip=iproute2 nft=nftables curl=curl $(if $(BACKEND),iptables=iptables ipset=ipset)
	@$(GO) build -o bin/demo ./cmd/demo
	@bin/demo $(if $(filter-out 0 no,$(KEEP)),--keep) $(if $(ENCAP),--encap $(ENCAP)) $(if $(MODE),--mode $(MODE)) $(if $(BACKEND),--backend $(BACKEND))

demo-clean: ## removes what `make demo KEEP=1` left up
	@$(GO) build -o bin/demo ./cmd/demo
	@bin/demo clean

lint: $(GOLANGCI) ## golangci-lint, and the house rules of internal/lint
	$(GOLANGCI) run ./...
	cd test/e2e && $(GO) mod tidy -diff && $(GOLANGCI) run ./...
	$(GO) test -count=1 ./internal/lint

$(GOLANGCI):
	GOBIN=$(CACHE)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(CACHE)/bin/golangci-lint $@

fuzz: ## every fuzz target for FUZZ_SECONDS seconds
	@hack/fuzz $(FUZZ_SECONDS)

test-vm: ## the everyday kernel tests on Debian's own kernel, under qemu
	hack/vm/test.sh $(KERNEL_PACKAGES)

generate: ## deepcopy code, CRDs and docs/configuration.md, from the types and the table of settings
	$(GO) generate ./...

generate-check: ## fails if generated files are not what the generators make now
	@hack/generate-check

image: ## container images IMAGE:VERSION and IMAGE-iptables:VERSION, by docker or DOCKER=podman
	$(DOCKER) build --target agent -t $(IMAGE):$(VERSION) .
	$(DOCKER) build --target agent-iptables -t $(IMAGE)-iptables:$(VERSION) .

sbom: build ## what the agent is built from, as CycloneDX: bin/agent.cdx.json
	$(GO) run ./hack/sbom bin/agent > bin/agent.cdx.json

clean: ## what was built; .cache stays
	rm -rf bin
