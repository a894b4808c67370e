# The image of `make image`, for those who have a container engine:
#   docker build --tag localhost/crowdsec-operator:dev .
# The first stage runs the same code, so the content is the same; only the archive's metadata are the engine's own.
FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /workspace
COPY . .
RUN cargo run --locked --package xtask -- image
# The root filesystem is the only layer of the archive that was written.
RUN mkdir /root-fs \
 && archive=$(ls target/image/crowdsec-operator-*.tar) \
 && layer=$(tar -xOf "$archive" manifest.json | sed 's/.*"Layers":\["\([^"]*\)".*/\1/') \
 && tar -xOf "$archive" "$layer" | tar -xpz -C /root-fs

FROM scratch
COPY --from=build /root-fs/ /
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/crowdsec"]
