# syntax=docker/dockerfile:1.7
# Three images from one build:
#   docker build --target api -t muster-api .
#   docker build --target worker -t muster-worker .
#   docker build --target muster -t muster .

FROM rust:1.95-slim-bookworm AS build
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends build-essential pkg-config
WORKDIR /src
COPY . .
# The target folder is a cache and not part of the image: what is needed is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release -p muster-api -p muster-worker -p muster-cli \
    && mkdir /out && cp target/release/api target/release/worker target/release/muster /out/

FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
WORKDIR /app
USER nonroot

# Migrations, tokens, imports from the command line.
FROM runtime AS muster
COPY --from=build /out/muster /app/muster
ENTRYPOINT ["/app/muster"]

FROM runtime AS worker
COPY --from=build /out/worker /app/worker
ENV WORKER_HOST=0.0.0.0 WORKER_PORT=8081
EXPOSE 8081
ENTRYPOINT ["/app/worker"]

FROM runtime AS api
COPY --from=build /out/api /app/api
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
ENTRYPOINT ["/app/api"]
