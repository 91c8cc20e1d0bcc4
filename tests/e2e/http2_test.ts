import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import type { Summary } from "../../src/report/summary.ts";
import { identity } from "../support/certificates.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import { sleep } from "../support/timing.ts";

const CERTIFICATES = projectPath("tests/support/certs");

const TRUST = ["--ca", `${CERTIFICATES}/ca.pem`];

/** A folder of its own, which is removed at the end. */
class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

async function newFolder(): Promise<Folder> {
  return new Folder(await mkdtemp(`${tmpdir()}/aiotest-http2-`));
}

/** Another program that serves a port of this machine. */
class OtherServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  static async start(program: string, args: readonly string[], port: number): Promise<OtherServer> {
    const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" });
    const server = new OtherServer(command.spawn());
    for (const end = performance.now() + 10_000; performance.now() < end; await sleep(20)) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return server;
      } catch {
        // It has not opened its port yet.
      }
    }
    throw new Error(`${program} has not opened port ${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}

/** Runs users of a class, and returns the summary. */
async function run(
  folder: string,
  fields: string,
  host: string,
  args: readonly string[],
): Promise<Summary> {
  const file = `${folder}/h2_test.js`;
  await writeFile(
    file,
    `import { FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  static waitTime = 0;
  ${fields}
  async testAll() {
    await this.session.batch(["/a", "/b", ["POST", "/c", { body: "x".repeat(30_000) }]]);
  }
}`,
  );
  const summary = `${folder}/summary.json`;
  const finished = await runAiotest([
    ...["-f", file, "-H", host, "--json", summary, ...args],
    ...(host.startsWith("https") ? TRUST : []),
  ]);
  assert.equal(finished.code, 0, finished.stderr + finished.stdout);
  return JSON.parse(await readFile(summary, "utf8"));
}

Deno.test({
  name: "nginx over TLS, which ends connections after 50 requests, counts what reports count",
  ignore: isMissing("nginx"),
  fn: async () => {
    await using folder = await newFolder();
    const port = steadyPort();
    const config = `${folder.path}/nginx.conf`;
    await writeFile(
      config,
      `daemon off; master_process off; pid ${folder.path}/nginx.pid; error_log /dev/null;
events { worker_connections 1000; }
http {
  log_format plain "$server_protocol $request_method $request_uri $status $connection";
  access_log ${folder.path}/access.log plain;
  client_body_temp_path ${folder.path}; proxy_temp_path ${folder.path};
  fastcgi_temp_path ${folder.path}; uwsgi_temp_path ${folder.path}; scgi_temp_path ${folder.path};
  keepalive_requests 50;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${CERTIFICATES}/good.pem;
    ssl_certificate_key ${CERTIFICATES}/good.key;
    location / { return 200 "hello"; }
  }
}`,
    );
    await using _server = await OtherServer.start("nginx", ["-c", config, "-p", folder.path], port);
    const host = `https://127.0.0.1:${port}`;
    for (
      const fields of ["static http = 2;", 'static http = "auto"; static connections = "shared";']
    ) {
      await writeFile(`${folder.path}/access.log`, "");
      const summary = await run(folder.path, fields, host, ["-u", "4", "--iterations", "400"]);
      const log = (await readFile(`${folder.path}/access.log`, "utf8")).trimEnd().split("\n");
      assert.equal(summary.totals.requests, 1200);
      assert.equal(log.length, 1200 + summary.totals.retries);
      assert.ok(log.every((line) => line.startsWith("HTTP/2.0 ")), String(log[0]));
      const connections = new Set(log.map((line) => line.split(" ").at(-1)));
      assert.ok(connections.size >= 1200 / 50, `${connections.size} connections`);
    }
  },
});

Deno.test({
  name: "nghttpd without TLS, over two processes",
  ignore: isMissing("nghttpd"),
  fn: async () => {
    await using folder = await newFolder();
    for (const name of ["a", "b", "c"]) await writeFile(`${folder.path}/${name}`, name);
    const port = steadyPort();
    const args = ["--no-tls", "-a", "127.0.0.1", "-d", folder.path, String(port)];
    await using _server = await OtherServer.start("nghttpd", args, port);
    const { totals } = await run(folder.path, "static http = 2;", `http://127.0.0.1:${port}`, [
      ...["-u", "4", "--iterations", "100", "--processes", "2"],
    ]);
    assert.equal(totals.requests, 300);
    assert.equal(totals.failures, 0);
  },
});

Deno.test("a server without HTTP/2 gets HTTP/1.1 with auto, and quick --http2 says what is missing", async () => {
  await using folder = await newFolder();
  const versions: string[] = [];
  const server = createServer(identity("good"), (request, response) => {
    versions.push(request.httpVersion);
    request.resume().on("end", () => response.end("ok"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { totals } = await run(folder.path, 'static http = "auto";', host, [
      ...["-u", "2", "--iterations", "10"],
    ]);
    assert.equal(totals.requests, 30);
    assert.deepEqual(versions, Array(30).fill("1.1"));
    const refused = await runAiotest(["quick", host, "--http2", "-n", "3", ...TRUST]);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /FAILED: 3 of 3 requests failed[^]*\bTLS\b/);
    assert.equal(versions.length, 30);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

Deno.test("quick --http2 uses HTTP/2 if a server offers both", async () => {
  const seen = new Set<string>();
  const server = createSecureServer(
    { ...identity("good"), allowHTTP1: true },
    (request, response) => {
      seen.add(request.httpVersion);
      response.end("ok");
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const { code, stdout } = await runAiotest(["quick", url, "--http2", "-n", "20", ...TRUST]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /PASSED: 20 requests, no failures/);
    assert.deepEqual([...seen], ["2.0"]);
  } finally {
    server.close();
  }
});
