# The aiotest executable on a slim Debian. See docs/docker.md.
#
#     docker build --tag aiotest .
#     docker build --tag aiotest:distroless --target distroless .

FROM denoland/deno:2.9.6 AS compile
WORKDIR /src
COPY . .
# The only step that needs a network: it downloads Deno's runtime stub and the packages in deno.lock.
RUN deno task compile
# A folder to copy from, as an image without a shell cannot make one.
RUN mkdir /empty

# Without a shell, and so without a health check: ask the dashboard's /healthz instead.
FROM gcr.io/distroless/cc-debian12 AS distroless
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="aiotest" \
      org.opencontainers.image.description="A scriptable, distributed load generator" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=compile --chown=10001:10001 /empty /test
COPY --from=compile --chown=10001:10001 /empty /reports
COPY --from=compile /src/dist/aiotest /usr/local/bin/aiotest
COPY LICENSE /usr/share/doc/aiotest/
USER 10001:10001
WORKDIR /test
ENV AIOTEST_HISTORY=/reports/.aiotest
EXPOSE 5557 8089
STOPSIGNAL SIGTERM
ENTRYPOINT ["aiotest"]

# The default, as it is the last one.
FROM debian:12-slim
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="aiotest" \
      org.opencontainers.image.description="A scriptable, distributed load generator" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="MIT"
# The fixed number lets you grant rights to this user outside of the container. Test files are in /test.
# Reports can be written to /test, or to /reports if /test is read-only.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /test --shell /usr/sbin/nologin aiotest && \
    install --directory --owner=aiotest --group=aiotest /test /reports
COPY --from=compile /src/dist/aiotest /usr/local/bin/aiotest
COPY deploy/alive.sh /usr/local/bin/aiotest-alive
COPY LICENSE /usr/share/doc/aiotest/
# By number: Kubernetes can check runAsNonRoot only if the user is a number.
USER 10001:10001
WORKDIR /test
ENV AIOTEST_HISTORY=/reports/.aiotest
# The ports of the master and of the dashboard.
EXPOSE 5557 8089
STOPSIGNAL SIGTERM
# A worker may take a minute to find its master.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["aiotest-alive"]
# Without a shell, so that SIGTERM reaches aiotest.
ENTRYPOINT ["aiotest"]
