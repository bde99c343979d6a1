# Two images from one file, each one static binary and the CA certificates: no shell, no package manager, not root.
#
#   docker build --target gatelodge         --tag gatelodge .
#   docker build --target gatelodge-sidecar --tag gatelodge-sidecar .
#
# To build from an image of your own choice, pinned by digest for instance: --build-arg RUST_IMAGE=rust@sha256:…

ARG RUST_IMAGE=rust:1.95-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /source
COPY . .
# Downloads and compiled dependencies stay in the builder's cache, so that a change of ours compiles only our own crates.
# Those are touched, and so always compiled: Cargo goes by the times of files, and a copied one may be changed and still be
# older than what the cache holds.
#
# Only the last step, the link, is told to be static. In RUSTFLAGS the same option would reach the build of OpenSSL, which
# then leaves out its locks, and two connections to PostgreSQL made at the same time corrupt the memory.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target,sharing=locked \
    find crates migrations templates -type f -exec touch {} + \
    && mkdir -p /out/data \
    && for binary in gatelodge gatelodge-sidecar; do \
        cargo rustc --release --locked --package "$binary" --bin "$binary" -- -C target-feature=+crt-static \
        && cp "target/release/$binary" /out/ || exit 1; \
    done

FROM scratch AS runtime
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# For the PostgreSQL client, which looks nowhere by itself (sslmode=verify-full&sslrootcert=system).
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# The default paths of the programs are relative: config/gatelodge.toml is /config/gatelodge.toml here.
WORKDIR /
USER 65532:65532

FROM runtime AS gatelodge-sidecar
COPY --from=build /out/gatelodge-sidecar /usr/local/bin/gatelodge-sidecar
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["/usr/local/bin/gatelodge-sidecar", "health", "--config", "/config/sidecar.toml"]
ENTRYPOINT ["/usr/local/bin/gatelodge-sidecar"]
CMD ["serve", "--config", "/config/sidecar.toml"]

FROM runtime AS gatelodge
# Where the embedded database goes by default (sqlite://data/gatelodge.db); mount a volume there to keep it.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/gatelodge /usr/local/bin/gatelodge
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["/usr/local/bin/gatelodge", "health", "--config", "/config/gatelodge.toml"]
ENTRYPOINT ["/usr/local/bin/gatelodge"]
CMD ["serve", "--config", "/config/gatelodge.toml"]
