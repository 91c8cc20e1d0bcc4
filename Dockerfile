# aiotest in a container: the executable on a slim Debian, and nothing else. See docs/docker.md.
#
#     docker build --tag aiotest .

FROM denoland/deno:2.9.6 AS compile
WORKDIR /src
COPY . .
# The only step that needs a network: it fetches Deno's runtime stub and the packages of deno.lock.
RUN deno task compile

FROM debian:12-slim
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="aiotest" \
      org.opencontainers.image.description="A scriptable, distributed load generator" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="MIT"
# A number that never changes can be given rights from outside. Test files are in /test, and what a run
# leaves behind goes to either folder; where /test is read-only, to /reports.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /test --shell /usr/sbin/nologin aiotest && \
    install --directory --owner=aiotest --group=aiotest /test /reports
COPY --from=compile /src/dist/aiotest /usr/local/bin/aiotest
COPY deploy/alive.sh /usr/local/bin/aiotest-alive
COPY LICENSE /usr/share/doc/aiotest/
# By number: a cluster that insists on users other than root cannot know who a name is.
USER 10001:10001
WORKDIR /test
# The master, and the dashboard.
EXPOSE 5557 8089
STOPSIGNAL SIGTERM
# A worker may look for its master for a minute before it has one.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["aiotest-alive"]
# No shell in between: SIGTERM has to reach aiotest.
ENTRYPOINT ["aiotest"]
