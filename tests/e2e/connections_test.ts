import assert from "node:assert/strict";
import { createServer as createPlainServer, type IncomingMessage, type Server } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Summary } from "../../src/report/summary.ts";
import { clientIdentity, identity, testAuthority } from "../support/certificates.ts";
import { steadyPort } from "../support/machine.ts";
import { endOf, kill } from "../support/cluster.ts";
import { runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

/** A request as the target saw it. */
interface Seen {
  readonly path: string;
  readonly host: string;
  readonly connectionHeader: string;
  /** The address that its connection comes from. */
  readonly address: string;
  /** The name that the client has sent in TLS; `""` without TLS. */
  readonly sni: string;
  /** The name in the client's certificate; `""` if there is none. */
  readonly client: string;
}

/** A target that remembers how its requests have arrived. `/redirects/N` redirects N times. */
class Target implements AsyncDisposable {
  readonly seen: Seen[] = [];
  connections = 0;
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", () => this.connections++);
    server.on("request", (request, response) => {
      this.seen.push(seenRequest(request));
      const left = Number(/^\/redirects\/(\d+)$/.exec(request.url ?? "")?.[1] ?? 0);
      if (left > 0) response.writeHead(302, { location: `/redirects/${left - 1}` });
      response.end("ok");
    });
  }

  /** @param tls whether it uses TLS; `mutual`: and asks for a certificate of the test authority. */
  static async start(tls: "none" | "tls" | "mutual" = "none"): Promise<Target> {
    const server = tls === "none" ? createPlainServer() : createServer({
      ...identity("good"),
      ...(tls === "mutual" ? { requestCert: true, ca: testAuthority() } : {}),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Target(server);
  }

  /** How often each value of a field has been seen. */
  counts(field: keyof Seen): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const request of this.seen) counts[request[field]] = (counts[request[field]] ?? 0) + 1;
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function seenRequest(request: IncomingMessage): Seen {
  const { url = "", headers, socket } = request;
  const tls = "getPeerCertificate" in socket
    ? socket as TLSSocket & { readonly servername?: string }
    : null;
  const subject = tls?.getPeerCertificate()?.subject;
  return {
    path: url,
    host: headers.host ?? "",
    connectionHeader: headers.connection ?? "",
    address: socket.remoteAddress ?? "",
    sni: tls?.servername ?? "",
    client: String(subject?.CN ?? ""),
  };
}

/** A folder with files, and the paths of a test file and of certificates in it. */
class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param body of the class `OneTest`, which extends FastHttpUser. */
  static async create(body = ""): Promise<Folder> {
    const path = await Deno.makeTempDir();
    const client = clientIdentity("client");
    const files = {
      "aiotestfile.ts": `import { FastHttpUser } from "aiotest";
        export class OneTest extends FastHttpUser {
          static override waitTime = 0.02;
          ${body}
          async testGet() { await this.session.get("/"); }
        }`,
      "ca.pem": testAuthority(),
      "client.pem": client.cert,
      "client.key": client.key,
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${path}/${name}`, text);
    }
    return new Folder(path);
  }

  /** Runs aiotest in it; resolves with the summary and the exit code. */
  async run(...args: readonly string[]): Promise<{ summary: Summary; code: number }> {
    const { code, stderr } = await runAiotest([...args, "--json", "summary.json"], {
      cwd: this.path,
    });
    const text = await Deno.readTextFile(`${this.path}/summary.json`).catch(() => "");
    assert.notEqual(text, "", stderr);
    return { summary: JSON.parse(text), code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

const test = sideBySide("options of connections", 2);

const PAIR = ["--client-cert", "client.pem", "--client-key", "client.key"];

for (const tls of ["none", "tls"] as const) {
  test(`connections leave from the local addresses in turn; TLS: ${tls === "tls"}`, async () => {
    await using folder = await Folder.create();
    await using target = await Target.start(tls);
    const scheme = tls === "tls" ? "https" : "http";
    const { summary, code } = await folder.run(
      ...["quick", `${scheme}://127.0.0.1:${target.port}/`, "-u", "10", "-n", "200"],
      ...["--local-address", "127.0.0.2,127.0.0.3", "--ca", "ca.pem"],
    );
    assert.equal(code, 0);
    assert.equal(summary.totals.requests, 200);
    assert.deepEqual(Object.keys(target.counts("address")).sort(), ["127.0.0.2", "127.0.0.3"]);
    assert.equal(target.connections, 10);
  });
}

test("a class says where its connections leave from, and the command line overrides it", async () => {
  await using folder = await Folder.create(`static override localAddresses = ["127.0.0.4"];`);
  await using target = await Target.start();
  const host = ["-H", `http://127.0.0.1:${target.port}`, "-u", "2", "-r", "2", "-t", "1"];
  assert.equal((await folder.run(...host)).code, 0);
  assert.deepEqual(Object.keys(target.counts("address")), ["127.0.0.4"]);
  target.seen.length = 0;
  assert.equal((await folder.run(...host, "--local-address", "127.0.0.5")).code, 0);
  assert.deepEqual(Object.keys(target.counts("address")), ["127.0.0.5"]);
});

test("--connect-to leads connections elsewhere; the Host header stays that of the URL", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start();
  const rules = `other.invalid:80:127.0.0.1:1,shop.invalid:80:127.0.0.1:${target.port}`;
  const { code } = await folder.run(
    ...["quick", "http://shop.invalid/", "-n", "5", "-u", "1", "--connect-to", rules],
  );
  assert.equal(code, 0);
  assert.deepEqual(target.counts("host"), { "shop.invalid": 5 });
});

test("with --connect-to, TLS sends and checks the name of the URL", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start("tls");
  const run = (host: string) =>
    folder.run(
      ...["quick", `https://${host}/`, "-n", "3", "-u", "1", "--ca", "ca.pem"],
      ...["--connect-to", `::127.0.0.1:${target.port}`],
    );
  assert.equal((await run("localhost")).code, 0);
  assert.deepEqual(target.counts("host"), { localhost: 3 });
  assert.deepEqual(target.counts("sni"), { localhost: 3 });
  const other = await run("shop.invalid");
  assert.equal(other.code, 1);
  assert.deepEqual(other.summary.failures.map(({ error }) => error), ["TLS_HOSTNAME"]);
});

test("with keepAlive = false, each request has its own connection", async () => {
  await using folder = await Folder.create("static override keepAlive = false;");
  await using target = await Target.start();
  const { summary, code } = await folder.run("-H", `http://127.0.0.1:${target.port}`, "-t", "1");
  assert.equal(code, 0);
  assert.ok(summary.totals.requests >= 5, String(summary.totals.requests));
  assert.equal(target.seen.length, summary.totals.requests);
  assert.equal(target.connections, summary.totals.requests);
  assert.deepEqual(Object.keys(target.counts("connectionHeader")), ["close"]);
});

test("--max-redirects limits how many redirects are followed; with 0, none is", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start();
  const run = (path: string, limit: string) =>
    folder.run(
      ...["quick", `http://127.0.0.1:${target.port}${path}`, "-n", "2", "-u", "1"],
      ...["--max-redirects", limit],
    );
  const none = await run("/redirects/1", "0");
  assert.equal(none.code, 0);
  assert.deepEqual(target.counts("path"), { "/redirects/1": 2 });
  assert.equal((await run("/redirects/1", "1")).code, 0);
  assert.deepEqual(target.counts("path"), { "/redirects/1": 4, "/redirects/0": 2 });
  const tooMany = await run("/redirects/2", "1");
  assert.equal(tooMany.code, 1);
  assert.deepEqual(tooMany.summary.failures.map(({ error }) => error), ["TOO_MANY_REDIRECTS"]);
});

test("--client-cert, --client-key and --ca authenticate both sides, from files or the environment", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start("mutual");
  const quick = ["quick", `https://127.0.0.1:${target.port}/`, "-n", "4", "-u", "2"];
  assert.equal((await folder.run(...quick, ...PAIR, "--ca", "ca.pem")).code, 0);
  assert.deepEqual(target.counts("client"), { client: 4 });

  const { cert, key } = clientIdentity("client");
  const { code, stdout, stderr } = await runAiotest(quick, {
    env: { AIOTEST_CLIENT_CERT: cert, AIOTEST_CLIENT_KEY: key, AIOTEST_CA: testAuthority() },
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(target.counts("client"), { client: 8 });
  assert.ok(!`${stdout}${stderr}`.includes("PRIVATE KEY"));

  const stranger = await folder.run(...quick, "--ca", "ca.pem");
  assert.equal(stranger.code, 1);
  // The server's alert can be lost when it closes the connection.
  const others = stranger.summary.failures.filter(({ error }) =>
    !/^(TLS_CLIENT_CERT|ECONNRESET)$/.test(error)
  );
  assert.deepEqual(others, []);
  assert.equal(target.seen.length, 8);
});

for (const base of ["FastHttpUser", "HttpUser"]) {
  test(`a ${base} has the certificate of its class, or one of its own by a function`, async () => {
    await using folder = await Folder.create();
    await using target = await Target.start("mutual");
    const { cert, key } = clientIdentity("client");
    const options = JSON.stringify({ cert, key, ca: testAuthority() });
    for (const tls of [options, `(user) => user.id > 0 ? ${options} : null`]) {
      await Deno.writeTextFile(
        `${folder.path}/aiotestfile.js`,
        `import { ${base} } from "aiotest";
        export class OneTest extends ${base} {
          static waitTime = 0.1;
          static tls = ${tls};
          async testGet() { await this.session.get("/"); }
        }`,
      );
      const { summary, code } = await folder.run(
        ...["-f", "aiotestfile.js", "-H", `https://127.0.0.1:${target.port}`, "-t", "1"],
      );
      assert.equal(code, 0, JSON.stringify(summary.failures));
      assert.deepEqual(Object.keys(target.counts("client")), ["client"]);
    }
  });
}

test("a function that returns no TLS options is an error of its user", async () => {
  await using folder = await Folder.create(`static override tls = () => ({ cert: "x" });`);
  const { summary, code } = await folder.run("-H", "https://127.0.0.1:1", "-t", "1");
  assert.equal(code, 1);
  assert.match(summary.userErrors[0]!.error, /OneTest\.tls\(\)\.cert/);
});

test("a master sends the settings of connections to its workers, but no local address", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start("mutual");
  const port = String(steadyPort());
  const cwd = folder.path;
  const env = { AIOTEST_TOKEN: "secret" };
  const master = startAiotest([
    ...["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port],
    ...["-H", "https://localhost/", "-u", "2", "-r", "2", "-t", "1", "--json", "summary.json"],
    ...["--connect-to", `localhost:443:127.0.0.1:${target.port}`],
    ...PAIR,
    ...["--ca", "ca.pem", "--max-redirects", "0"],
  ], { cwd, env });
  await master.says("Waiting for workers");
  // It has neither the test file nor the certificates.
  const empty = await Deno.makeTempDir();
  const worker = startAiotest([
    ...["--worker", "--master-host", "127.0.0.1", "--master-port", port],
    ...["--local-address", "127.0.0.6"],
  ], { cwd: empty, env });
  try {
    const { code, stderr } = await endOf(master);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /unencrypted/);
    assert.equal((await endOf(worker)).code, 0);
  } finally {
    for (const process of [master, worker]) kill(process, "SIGKILL");
    await Deno.remove(empty, { recursive: true });
  }
  const { totals } = JSON.parse(await Deno.readTextFile(`${cwd}/summary.json`)) as Summary;
  assert.ok(totals.requests >= 5, String(totals.requests));
  assert.equal(target.seen.length, totals.requests);
  assert.deepEqual(target.counts("client"), { client: totals.requests });
  assert.deepEqual(target.counts("address"), { "127.0.0.6": totals.requests });
  assert.deepEqual(target.counts("host"), { localhost: totals.requests });
});

test("with --processes, the workers use the certificate and the local addresses of the command line", async () => {
  await using folder = await Folder.create();
  await using target = await Target.start("mutual");
  const { summary, code } = await folder.run(
    ...["-H", `https://127.0.0.1:${target.port}`, "-u", "2", "-r", "2", "-t", "1"],
    ...["--processes", "1", "--local-address", "127.0.0.7", ...PAIR, "--ca", "ca.pem"],
  );
  assert.equal(code, 0);
  assert.deepEqual(target.counts("client"), { client: summary.totals.requests });
  assert.deepEqual(Object.keys(target.counts("address")), ["127.0.0.7"]);
});
