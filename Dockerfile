# One image for all programs of distributed-logger:
#   docker build --tag distributed-logger .
#   docker run distributed-logger dist/logger/main.js
# The last stage is the product: Node without a shell or a package manager, production dependencies, compiled code.
# `--target dev` is for `skaffold dev --profile dev`, which copies changed sources into the running container.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without install scripts: the development dependency `node` would download another Node by one.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build
# The product has no shell and no `env`: a command of its own, so that `kubectl exec POD -- dlog status` works.
RUN printf '#!/nodejs/bin/node\nimport("/app/dist/cli/main.js");\n' > /usr/local/bin/dlog && chmod 755 /usr/local/bin/dlog

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Types and source maps are half of what npm installs, and nothing reads them here.
RUN find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete

# The sources, run as they are and started again when they change. The programs have the same names as in the product.
FROM node:24-slim AS dev
WORKDIR /app
RUN chown 65532:65532 /app \
    && printf '#!/usr/bin/env node\nimport("/app/dist/cli/main.js");\n' > /usr/local/bin/dlog && chmod 755 /usr/local/bin/dlog
USER 65532:65532
COPY --from=dependencies --chown=65532:65532 /app/node_modules ./node_modules
COPY --chown=65532:65532 package.json ./
COPY --chown=65532:65532 src ./src
RUN for program in logger producer cli; do \
      mkdir -p "dist/$program" && echo "import '../../src/$program/main.ts';" > "dist/$program/main.js"; \
    done
ENTRYPOINT ["node", "--watch-path=/app/src", "--watch-preserve-output"]
CMD ["dist/logger/main.js"]

FROM gcr.io/distroless/nodejs24-debian12:nonroot AS product
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="distributed-logger" \
      org.opencontainers.image.description="A small replicated log for Kubernetes with a leader elected through Consul" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Some megabytes less than glibc's own, eight for each processor: a logger has some ten threads, which seldom allocate at once.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /usr/local/bin/dlog /usr/local/bin/dlog
COPY package.json ./
# A number, since Kubernetes cannot tell from a name that it is not root's.
USER 65532:65532
EXPOSE 8080 9090 9091 8081
CMD ["dist/logger/main.js"]
