# Two images: `agent` has one static program and nothing else; `agent-iptables` has the iptables and ipset
# programs beside it, for nodes whose policy is to be in iptables (deploy/components/iptables).
#
#   make image            # or: docker build --target agent -t margay:dev .
ARG GO=1.26

FROM --platform=$BUILDPLATFORM golang:${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS=linux TARGETARCH
# As `make build` does it, for any processor: no C, no paths of this machine, the commit from .git.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=auto -ldflags '-s -w' -o /out/usr/bin/agent ./cmd/agent \
 && go run ./hack/sbom /out/usr/bin/agent > /out/agent.cdx.json \
 && cp LICENSE /out/

FROM debian:trixie-slim AS agent-iptables
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables ipset \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
ENTRYPOINT ["/usr/bin/agent"]
CMD ["run"]

FROM scratch AS agent
COPY --from=build /out/ /
ENV PATH=/usr/bin
ENTRYPOINT ["/usr/bin/agent"]
CMD ["run"]
