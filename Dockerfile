# syntax=docker/dockerfile:1
# check=error=true
# Three images from one build, each with one program, no shell and no account that may do anything:
#   docker build --target api -t muster-api .
#   docker build --target worker -t muster-worker .
#   docker build --target muster -t muster .
# With --build-arg REVISION=$(git rev-parse HEAD) an image says what it was built from.
ARG RUST_VERSION=1.95.0

FROM rust:${RUST_VERSION}-slim-bookworm AS chef
# The toolchain of the image and not another copy by rust-toolchain.toml, whose components nobody needs here.
ARG RUST_VERSION
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION} CARGO_INCREMENTAL=0 SQLX_OFFLINE=true
# For programs that are the same wherever they are built: see docs/operate/deploy.md.
ENV RUSTFLAGS="--remap-path-prefix=/usr/local/cargo=/cargo"
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    RUSTFLAGS="" cargo install --locked cargo-chef@0.1.78 cargo-auditable@0.7.7
WORKDIR /src

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /src/recipe.json recipe.json
# A layer of the dependencies alone, which is there until Cargo.lock changes.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo chef cook --locked --release --recipe-path recipe.json -p muster-api -p muster-worker -p muster-cli
COPY . .
# Auditable: each program carries the list of the crates in it, which scanners of images read.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo auditable build --locked --release -p muster-api -p muster-worker -p muster-cli

# glibc, certificates of the public authorities and nothing else. The certificates are for Temporal's client; SMTP, Postgres,
# webhooks and published keys trust authorities that are compiled in. No init: the programs start no others and hear
# SIGTERM themselves.
FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
WORKDIR /app
USER nonroot:nonroot
ARG REVISION=""
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Muster" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Migrations, tokens, imports from the command line.
FROM runtime AS muster
COPY --from=build /src/target/release/muster /app/muster
ENTRYPOINT ["/app/muster"]

FROM runtime AS worker
# Without a revision the worker takes its release for the build.
ENV WORKER_HOST=0.0.0.0 WORKER_PORT=8081 WORKER_BUILD_ID=${REVISION}
COPY --from=build /src/target/release/worker /app/worker
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/app/worker", "--healthcheck"]
ENTRYPOINT ["/app/worker"]

FROM runtime AS api
ENV HOST=0.0.0.0 PORT=8080
COPY --from=build /src/target/release/api /app/api
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/app/api", "--healthcheck"]
ENTRYPOINT ["/app/api"]
