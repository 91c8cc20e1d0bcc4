import assert from "node:assert/strict";
import { openDashboard } from "../../src/cli/dashboard.ts";
import { UsageError } from "../../src/core/errors.ts";
import { configureLog } from "../../src/core/logger.ts";
import type { WebListener, WebListenOptions } from "../../src/core/web_server.ts";
import { LogTail } from "../../src/web/feed.ts";
import { identity } from "../support/certificates.ts";
import { FakeRun } from "../support/dashboard.ts";
import { onlyBlock } from "../support/fenced_blocks.ts";
import { FakeHost } from "../support/fake_host.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { snapshot } from "../support/snapshots.ts";

/** Listens on any address, or throws the given problem. */
class ListeningHost extends FakeHost {
  readonly asked: WebListenOptions[] = [];
  problem: Error | null = null;

  override serveWeb(at?: WebListenOptions): Promise<WebListener> {
    this.asked.push(at!);
    if (this.problem !== null) return Promise.reject(this.problem);
    const port = at!.port === 0 ? 1234 : at!.port;
    return Promise.resolve({ port, close: () => Promise.resolve() });
  }
}

const OPTIONS = {
  webHost: "127.0.0.1",
  webAllowedHost: [],
  webBasePath: "",
  webTrustedProxy: [],
  webTlsCert: null,
  webTlsKey: null,
  webPort: 8089,
  noAutostart: false,
  noWeb: false,
  webToken: null,
  given: new Set<never>(),
};

const PEM_FILES = Object.fromEntries(
  (["good", "expired"] as const).flatMap((name) => {
    const { cert, key } = identity(name);
    return [[`/home/me/${name}.pem`, `# a comment\n${cert}`], [`/home/me/${name}.key`, key]];
  }),
);

const SHOWN = {
  control: new FakeRun(),
  log: new LogTail(),
  metrics: (): string => "",
  metadata: runMetadata,
  reported: () => ({ snapshot: snapshot(), exitCode: 0, metadata: runMetadata }),
  history: null,
};

async function open(
  host: FakeHost,
  options: Partial<Parameters<typeof openDashboard>[1]> = {},
): Promise<{ isOpen: boolean; lines: string[] }> {
  const lines: string[] = [];
  await configureLog("INFO", (_, { level, text }) => lines.push(`${level} ${text}`));
  const dashboard = await openDashboard(host, { ...OPTIONS, ...options }, SHOWN);
  await dashboard?.close();
  return { isOpen: dashboard !== null, lines };
}

Deno.test("the dashboard logs its URL", async () => {
  const host = new ListeningHost();
  const cases: [Partial<typeof OPTIONS>, string][] = [
    [{}, "http://127.0.0.1:8089/"],
    [{ webPort: 0 }, "http://127.0.0.1:1234/"],
    [{ webHost: "::1" }, "http://[::1]:8089/"],
    [{ webHost: "shop.example" }, "http://shop.example:8089/"],
    [{ webBasePath: "/tools/load" }, "http://127.0.0.1:8089/tools/load/"],
    [{ webHost: "0.0.0.0" }, "http://127.0.0.1:8089/ (and all other addresses of this machine)"],
    [{ webHost: "*" }, "http://127.0.0.1:8089/ (and all other addresses of this machine)"],
  ];
  for (const [options, where] of cases) {
    const { isOpen, lines } = await open(host, options);
    assert.equal(isOpen, true);
    assert.deepEqual(lines, [`INFO Dashboard: ${where}`]);
  }
  assert.equal(host.asked.at(-1)!.hostname, "*");
  assert.equal(await onlyBlock("docs/dashboard.md", "text"), `Dashboard: ${cases[0]![1]}\n`);
});

Deno.test("with a certificate, the URL is one of HTTPS", async () => {
  const host = new ListeningHost({ files: PEM_FILES });
  const { lines } = await open(host, { webTlsCert: "good.pem", webTlsKey: "/home/me/good.key" });
  assert.deepEqual(lines, ["INFO Dashboard: https://127.0.0.1:8089/"]);
  const { cert, key } = identity("good");
  assert.deepEqual(host.asked.at(-1)!.tls, { cert: `# a comment\n${cert}`, key });
});

Deno.test("a certificate that cannot be used is refused before the run", async () => {
  const host = new ListeningHost({ files: PEM_FILES });
  const cases: [cert: string | null, key: string | null, message: RegExp][] = [
    ["good.pem", null, /^--web-tls-cert needs --web-tls-key$/],
    [null, "good.key", /^--web-tls-key needs --web-tls-cert$/],
    ["none.pem", "good.key", /^--web-tls-cert none\.pem: cannot read the file: /],
    ["good.pem", "none.key", /^--web-tls-key none\.key: cannot read the file: /],
    ["good.key", "good.key", /^--web-tls-cert good\.key: a private key where a certificate is /],
    ["good.pem", "good.pem", /^--web-tls-key good\.pem: no private key in PEM$/],
    ["good.pem", "expired.key", /^--web-tls-key expired\.key: does not belong to the certificate/],
    [
      "expired.pem",
      "expired.key",
      /^--web-tls-cert expired\.pem: the certificate expired on 2021-/,
    ],
  ];
  for (const [webTlsCert, webTlsKey, message] of cases) {
    await assert.rejects(open(host, { webTlsCert, webTlsKey }), (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message + error.hint, /[\w+/=]{60}/);
      return true;
    });
  }
  assert.deepEqual(host.asked, []);
});

Deno.test("a test that waits to be started logs where to start it", async () => {
  const { lines } = await open(new ListeningHost(), { noAutostart: true });
  assert.deepEqual(lines, [
    "INFO Dashboard: http://127.0.0.1:8089/",
    "INFO Waiting for the test to be started in the dashboard.",
  ]);
});

Deno.test("with --no-web, nothing listens", async () => {
  const host = new ListeningHost();
  assert.deepEqual(await open(host, { noWeb: true }), { isOpen: false, lines: [] });
  assert.deepEqual(host.asked, []);
});

Deno.test("the default port may be in use", async () => {
  const host = new ListeningHost();
  host.problem = new Deno.errors.AddrInUse("in use");
  assert.deepEqual(await open(host), {
    isOpen: false,
    lines: [
      "WARNING There is no dashboard: port 8089 is already in use. To use any free port: --web-port 0.",
    ],
  });
});

Deno.test("a port from the options must be free", async () => {
  const host = new ListeningHost();
  host.problem = new Deno.errors.AddrInUse("in use");
  await assert.rejects(
    open(host, { webPort: 9000, given: new Set(["webPort"] as const) }),
    (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.message, "--web-port 9000: the port is already in use");
      assert.match(error.hint, /--web-port 0/);
      return true;
    },
  );
});

Deno.test("a test that waits to be started needs the port", async () => {
  const host = new ListeningHost();
  host.problem = new Deno.errors.AddrInUse("in use");
  await assert.rejects(open(host, { noAutostart: true }), {
    name: "UsageError",
    message: "--web-port 8089: the port is already in use",
    hint: "To use any free port: --web-port 0.",
  });
});

Deno.test("without the default address, the test runs without a dashboard", async () => {
  const host = new ListeningHost();
  for (
    const problem of [
      new Deno.errors.AddrNotAvailable("no such address"),
      new Deno.errors.PermissionDenied("not allowed"),
      new Deno.errors.NetworkUnreachable("unreachable"),
      Object.assign(new Error("too many open files"), { code: "EMFILE" }),
    ]
  ) {
    host.problem = problem;
    const { name, message } = problem;
    const reason = name === "Error" ? message : `${name}: ${message}`;
    assert.deepEqual(await open(host), {
      isOpen: false,
      lines: [
        `WARNING There is no dashboard: it cannot listen on 127.0.0.1:8089: ${reason}.`,
      ],
    });
    await assert.rejects(open(host, { noAutostart: true }), {
      name: "UsageError",
      message: `--web-host 127.0.0.1: the dashboard cannot listen on this address: ${reason}`,
    });
  }
});

Deno.test("an address from the options that cannot be listened on is reported", async () => {
  const host = new ListeningHost();
  host.problem = new Deno.errors.AddrNotAvailable("no such address");
  await assert.rejects(open(host, { webHost: "10.0.0.9", given: new Set(["webHost"] as const) }), {
    name: "UsageError",
    message: "--web-host 10.0.0.9: the dashboard cannot listen on this address: " +
      "AddrNotAvailable: no such address",
  });
});

Deno.test("a port from the options that may not be listened on is reported", async () => {
  const host = new ListeningHost();
  host.problem = new Deno.errors.PermissionDenied("not allowed");
  await assert.rejects(open(host, { webPort: 80, given: new Set(["webPort"] as const) }), {
    name: "UsageError",
    message: "--web-port 80: the dashboard cannot listen on this port: " +
      "PermissionDenied: not allowed",
  });
});

Deno.test("a dashboard leaves most file descriptors to the users", async () => {
  const host = new ListeningHost();
  for (const [limit, connections] of [[null, 256], [1e6, 256], [1024, 128], [64, 16]] as const) {
    host.openFiles = limit;
    await open(host);
    assert.equal(host.asked.at(-1)!.maxConnections, connections);
  }
});
