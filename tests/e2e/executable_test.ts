// The executable where people have it: alone on a machine, without Deno, far from its sources. Test files are
// plain JavaScript, which every version of the runtime takes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createSecureServer, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { gitCommit, runCommand } from "../../build/project.ts";
import config from "../../deno.json" with { type: "json" };
import type { Summary } from "../../src/report/summary.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { FROM_PAGE } from "../support/dashboard.ts";
import { EventReader } from "../support/event_reader.ts";
import { compiledExecutable } from "../support/executable.ts";
import { PROTO_FOLDER, ShopServer } from "../support/grpc_server.ts";
import { LoggingServer } from "../support/logging_server.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { assertTold, mistakeFolder, MISTAKES } from "../support/mistakes.ts";
import { PROJECT_ROOT, projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest, type Started } from "../support/process.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Target } from "../support/target.ts";
import { WebSocketPeer, webSocketServer } from "../support/websocket_peer.ts";

const EXECUTABLE = await compiledExecutable();

/** Someone's folder on a machine that knows nothing of Deno, and has not much else either. */
class Desk implements AsyncDisposable {
  readonly folder: string;
  readonly #rest: string;

  private constructor(folder: string, rest: string) {
    this.folder = folder;
    this.#rest = rest;
  }

  /** Makes one with some files in it; `sub/` before a name makes a folder. */
  static async with(files: Readonly<Record<string, string>> = {}): Promise<Desk> {
    const desk = new Desk(await Deno.makeTempDir(), await Deno.makeTempDir());
    for (const [name, text] of Object.entries(files)) {
      const path = `${desk.folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    return desk;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
    await Deno.remove(this.#rest, { recursive: true });
  }

  get options(): { cwd: string; env: Record<string, string>; executable: string } {
    const env = { PATH: "/nowhere", HOME: this.#rest, TMPDIR: this.#rest };
    return { cwd: this.folder, env, executable: EXECUTABLE! };
  }

  start(...args: readonly string[]): Started {
    return startAiotest(args, this.options);
  }

  run(...args: readonly string[]): Promise<Finished> {
    return runAiotest(args, this.options);
  }

  /** What `--json run.json` has written. */
  async summary(): Promise<Summary> {
    return JSON.parse(await Deno.readTextFile(`${this.folder}/run.json`));
  }

  /** Compiled modules that the runtime has kept between two starts. */
  async compiledModules(): Promise<string> {
    return new TextDecoder("latin1").decode(
      await Deno.readFile(`${this.#rest}/deno-compile-aiotest.cache`),
    );
  }
}

function executableTest(name: string, fn: () => Promise<void>, missing = ""): void {
  const reason = EXECUTABLE === null ? "there is no executable" : missing;
  const note = reason === "" ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: `the executable ${name}${note}`, ignore: reason !== "", fn });
}

const VISITS = `
import { FastHttpUser } from "aiotest";
export class VisitTest extends FastHttpUser {
  static waitTime = 0.05;
  headers = { "x-node": this.run.node, "x-user": String(this.id) };
  async testTick() { await this.session.get("/tick", { headers: this.headers }); }
}
`;

executableTest("names its version, its commit and its runtime", async () => {
  await using desk = await Desk.with();
  const { code, stdout } = await desk.run("--version");
  // The tests themselves may have changed since it was made.
  const commit = (await gitCommit(PROJECT_ROOT))?.replace("+", "");
  const origin = commit === undefined ? "" : `commit ${commit}\\+?, `;
  const version = RegExp.escape(config.version);
  assert.match(stdout, new RegExp(`^aiotest ${version} \\(${origin}deno \\d+\\.\\d+\\.\\d+\\)\n$`));
  assert.equal(code, 0);
});

executableTest("helps, and leaves nothing in the folder", async () => {
  await using desk = await Desk.with();
  const { code, stdout, stderr } = await desk.run("--help");
  assert.match(stdout, /--users/);
  assert.match(stdout, /--master-host/);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.deepEqual([...Deno.readDirSync(desk.folder)], []);
});

executableTest("keeps its compiled modules, which the next start is quicker by", async () => {
  await using desk = await Desk.with();
  await desk.run("--version");
  const modules = await desk.compiledModules();
  assert.match(modules, /src\/cli\/options\.ts/);
  assert.match(modules, /commander/);
  // What only some runs or some test files want must not cost every start.
  assert.doesNotMatch(modules, /src\/runner\/master_run\.ts/);
  assert.doesNotMatch(modules, /@redis/);
  assert.doesNotMatch(modules, /htmlparser2|css-select/);
  assert.doesNotMatch(modules, /protobufjs/);
});

executableTest("shows its demo", async () => {
  await using desk = await Desk.with();
  const { code, stdout, stderr } = await desk.run("demo", "-t", "2", "--json", "run.json");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\/search/);
  const { mode, totals, exitCode } = await desk.summary();
  assert.equal(mode, "local");
  assert.ok(totals.requests > 10, `${totals.requests} requests`);
  assert.equal(exitCode, 0);
});

executableTest("has within it what a report's page needs", async () => {
  await using desk = await Desk.with();
  const { code, stderr } = await desk.run("demo", "-t", "2", "--html", "run.html");
  assert.equal(code, 0, stderr);
  const html = await Deno.readTextFile(`${desk.folder}/run.html`);
  assert.match(html, /"test":"aiotest demo"/);
  assert.match(html, /var uPlot=/);
  assert.match(html, /class RunCharts/);
  assert.match(html, /The MIT License/);
});

executableTest("runs a test file that imports other files and reads data", async () => {
  await using target = new Target({ "/search": () => new Response("<b>found</b>") });
  await using desk = await Desk.with({
    "tests/shop.js": `
      import assert from "node:assert/strict";
      import { parse } from "csv-parse/sync";
      import { csv, FastHttpUser } from "aiotest";
      import { word } from "./lib/words.js";
      import settings from "./settings.json" with { type: "json" };
      const text = await Deno.readTextFile(new URL("people.csv", import.meta.url));
      const [{ name }] = parse(text, { columns: true });
      export class ShopTest extends FastHttpUser {
        static waitTime = 0.2;
        async testSearch() {
          const params = { q: word, name, page: settings.page };
          await this.session.get("/search", { params }, async (res) => {
            assert.equal((await res.html()).find("b")?.text(), "found");
          });
        }
      }`,
    "tests/lib/words.js": `export { word } from "./more.js";`,
    "tests/lib/more.js": `export const word = "F22";`,
    "tests/people.csv": "name,age\nAda,36\n",
    "tests/settings.json": `{ "page": 7 }`,
  });
  const flags = ["-H", target.url, "-t", "1", "--json", "run.json"];
  const { code, stderr } = await desk.run("-f", "tests/shop.js", ...flags);
  assert.equal(code, 0, stderr);
  assert.equal(target.last.query.toString(), "q=F22&name=Ada&page=7");
  const { requests, totals, complete, aiotest } = await desk.summary();
  assert.deepEqual(requests.map(({ method, name }) => [method, name]), [["GET", "/search"]]);
  assert.equal(totals.requests, target.requests.length);
  assert.equal(totals.failures, 0);
  assert.equal(complete, true);
  assert.equal(aiotest, config.version);
});

// Mistakes in a test file that the executable finds by itself while it loads the file, and one whose place
// it shows. All others are found by the same code everywhere, which mistakes_test.ts tests.
const TOLD_BY_THE_EXECUTABLE = [
  "a missing file",
  "an import of an unknown package",
  "an import of something that aiotest does not export",
  "a throw while the file is imported",
  "no export",
  "a shape whose constructor throws, with its place",
];
for (const what of TOLD_BY_THE_EXECUTABLE) {
  const mistake = MISTAKES.find((candidate) => candidate.what === what) ?? assert.fail(what);
  executableTest(`tells of ${mistake.what}`, async () => {
    await using desk = await Desk.with();
    const cwd = await mistakeFolder(mistake);
    await assertTold(mistake, { ...desk.options, cwd });
    await Deno.remove(cwd, { recursive: true });
  });
}

executableTest("is a master of three workers, exact to the last request", async () => {
  await using target = new CountingTarget();
  await using desk = await Desk.with({ "aiotestfile.js": VISITS });
  const file = ["-f", "aiotestfile.js"];
  const load = ["-H", target.url, "-u", "9", "-r", "30", "-t", "2", "--json", "run.json"];
  const bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"];
  const master = desk.start(...file, "--master", "--expect-workers", "3", ...bind, ...load);
  const port = await master.tells(/Waiting for workers at \S+:(\d+)\./);
  const join = ["--master-host", "127.0.0.1", "--master-port", port];
  const workers = [1, 2, 3].map(() => desk.start(...file, "--worker", ...join));
  const { code, stderr } = await master.finished;
  assert.equal(code, 0, stderr);
  for (const worker of workers) assert.equal((await worker.finished).code, 0);
  const summary = await desk.summary();
  assertEqualCounts(summary, target);
  assert.equal(summary.mode, "distributed");
  assert.equal(summary.workers.length, 3);
  assert.equal(summary.users.peak, 9);
  assert.equal(summary.complete, true);
  assert.equal(new Set(target.visits.map(({ node }) => node)).size, 3);
});

executableTest("is several processes of itself", async () => {
  await using target = new CountingTarget();
  await using desk = await Desk.with({ "aiotestfile.js": VISITS });
  const load = ["-H", target.url, "-u", "8", "-r", "40", "-t", "2", "--json", "run.json"];
  const { code, stderr } = await desk.run("-f", "aiotestfile.js", "--processes", "2", ...load);
  assert.equal(code, 0, stderr);
  const summary = await desk.summary();
  assertEqualCounts(summary, target);
  assert.equal(summary.workers.length, 2);
});

executableTest("gives a test file the client of Redis", async () => {
  await using server = await RedisServer.start();
  await server.command("RPUSH", "userdata", "ada", "bob", "cleo");
  await using target = new Target({ "/login": () => new Response() });
  await using desk = await Desk.with({
    "aiotestfile.js": `
      import { createClient } from "redis";
      import { events, FastHttpUser } from "aiotest";
      const redis = createClient({ url: "redis://:123456@127.0.0.1:${server.port}" });
      events.on("init", () => redis.connect());
      events.on("quitting", () => redis.close());
      export class LoginTest extends FastHttpUser {
        async testLogin() {
          const name = await redis.lPop("userdata");
          if (name !== null) await this.session.get("/login", { params: { name } });
        }
      }`,
  });
  const load = ["-H", target.url, "-u", "5", "-r", "50", "-t", "2"];
  const { code, stderr } = await desk.run("-f", "aiotestfile.js", ...load);
  assert.equal(code, 0, stderr);
  const names = target.requests.map(({ query }) => query.get("name"));
  assert.deepEqual(names.sort(), ["ada", "bob", "cleo"]);
}, isMissing("redis-server") ? "there is no redis-server" : "");

/** The authority of the certificates that the targets of these tests have. */
const TRUST = ["--ca", projectPath("tests/support/certs/ca.pem")];

for (const source of ["files", "reflection"]) {
  executableTest(`calls a gRPC service, whose types come from ${source}`, async () => {
    await using shop = await ShopServer.start({ reflection: ["v1"] });
    const protos = ["shop.proto", "types/money.proto"].map((name) => [
      `protos/${name}`,
      Deno.readTextFileSync(`${PROTO_FOLDER}/${name}`),
    ]);
    await using desk = await Desk.with({
      ...Object.fromEntries(protos),
      "protos/api.proto": `syntax = "proto3"; import "google/api/annotations.proto";
        import "google/protobuf/descriptor.proto"; import "shop.proto";`,
      "shop_test.js": `
        import { GrpcUser } from "aiotest";
        export class ShopTest extends GrpcUser {
          static ${source === "files" ? 'proto = "protos/api.proto"' : "reflection = true"};
          static waitTime = 0;
          static iterations = 5;
          async testAll() {
            const res = await this.call("shop.Catalog/GetItem", { id: this.id });
            this.check("has a price", res.message.price.currency === "EUR");
            await this.stream("shop.Catalog/Chat", {}, async (call) => {
              await call.send({ id: 1, madeAt: new Date() });
              this.check("is answered", (await call.receive()).id === "1");
            });
          }
        }
      `,
    });
    const load = ["-f", "shop_test.js", "-u", "3", "-r", "3", "-t", "20", "-H", shop.url];
    const { code, stdout, stderr } = await desk.run(...load, "--no-web", "--json", "run.json");
    assert.equal(code, 0, stdout + stderr);
    const { requests, checks } = await desk.summary();
    const counted = requests.map(({ name, requests }) => `${name} ${requests}`).sort();
    assert.deepEqual(counted, ["shop.Catalog/Chat 15", "shop.Catalog/GetItem 15"]);
    assert.deepEqual(shop.counts.calls, { GetItem: 15, Chat: 15 });
    assert.deepEqual(checks.map(({ name, passed, failed }) => `${name} ${passed} ${failed}`), [
      "has a price 15 0",
      "is answered 15 0",
    ]);
  });
}

for (const secure of [false, true]) {
  executableTest(
    `speaks HTTP/2 ${secure ? "over TLS" : "without TLS"}, also in quick`,
    async () => {
      const seen = new Map<string, number>();
      const server = secure ? createSecureServer(identity("good")) : createServer();
      let connections = 0;
      server.on("session", () => connections++);
      server.on("stream", (stream: ServerHttp2Stream, headers) => {
        let size = 0;
        stream.on("data", (part: Uint8Array) => size += part.length);
        stream.on("end", () => {
          const what = `${headers[":method"]} ${headers[":path"]} ${size}`;
          seen.set(what, (seen.get(what) ?? 0) + 1);
          stream.respond({ ":status": 200, "x-size": size });
          stream.end("x".repeat(100_000));
        });
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as AddressInfo;
      const url = `${secure ? "https" : "http"}://127.0.0.1:${port}`;
      const trust = secure ? TRUST : [];
      await using desk = await Desk.with({
        "aiotestfile.js": `
        import assert from "node:assert/strict";
        import { FastHttpUser } from "aiotest";
        export class ShopTest extends FastHttpUser {
          static http = ${secure ? '"auto"' : 2};
          static waitTime = 0;
          static iterations = 10;
          async testAll() {
            await this.session.batch(["/a", "/b", ["POST", "/c", { body: "x".repeat(200_000) }]]);
            await this.session.get("/b", {}, async (res) => {
              assert.equal((await res.text()).length, 100_000);
              assert.equal(res.headers.get("x-size"), "0");
            });
          }
        }`,
      });
      const load = ["-u", "3", "-r", "100", "-t", "60", "--json", "run.json"];
      const ran = await desk.run("-f", "aiotestfile.js", "-H", url, ...load, ...trust);
      assert.equal(ran.code, 0, ran.stderr + ran.stdout);
      assert.deepEqual(Object.fromEntries(seen), {
        "GET /a 0": 30,
        "GET /b 0": 60,
        "POST /c 200000": 30,
      });
      const { totals } = await desk.summary();
      assert.deepEqual([totals.requests, totals.failures, totals.retries], [120, 0, 0]);
      assert.equal(connections, 3, "one for each user");
      const quick = ["--http2", "-u", "2", "-n", "50", "--json", "run.json", ...trust];
      const { code, stdout, stderr } = await desk.run("quick", `${url}/quick`, ...quick);
      assert.equal(code, 0, stderr + stdout);
      assert.equal(seen.get("GET /quick 0"), 50);
      assert.equal((await desk.summary()).totals.requests, 50);
      await new Promise((resolve) => server.close(resolve));
    },
  );

  executableTest(
    `speaks WebSocket ${secure ? "over TLS" : "without TLS"}, compressed`,
    async () => {
      const seen = { compressed: 0, plain: 0, pings: 0, closes: [] as number[] };
      const finishFlush = constants.Z_SYNC_FLUSH;
      const tail = Uint8Array.of(0, 0, 0xff, 0xff);
      const play = async (peer: WebSocketPeer): Promise<void> => {
        for (let frame = await peer.frame(); frame !== null; frame = await peer.frame()) {
          const { opcode, payload, isCompressed } = frame;
          if (opcode === 9) {
            seen.pings++;
            await peer.send(0x8a, payload);
          } else if (opcode === 8) {
            seen.closes.push(payload[0]! << 8 | payload[1]!);
            return await peer.send(0x88, payload);
          } else if (isCompressed) {
            seen.compressed++;
            const text = inflateRawSync(Uint8Array.from([...payload, ...tail]), { finishFlush });
            await peer.send(0xc1, deflateRawSync(`echo ${text}`, { finishFlush }).subarray(0, -4));
          } else {
            seen.plain++;
            await peer.text(`echo ${new TextDecoder().decode(payload)}`);
          }
        }
      };
      const terms = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
      const server = secure
        ? webSocketServer(play, terms, identity("good"))
        : webSocketServer(play, terms);
      await using _ = server;
      await using desk = await Desk.with({
        "aiotestfile.js": `
        import { WebSocketUser } from "aiotest";
        const long = "hello ".repeat(1000);
        export class ChatTest extends WebSocketUser {
          static waitTime = 0;
          static iterations = 10;
          async onStart() { await this.connect("/chat"); }
          async testSay() {
            await this.ask(long, "echo " + long, { name: "long" });
            await this.ask("short", "echo short", { name: "short" });
            await this.ping();
          }
          async onStop() { await this.close(); }
        }`,
      });
      const host = server.url.replace("http", "ws");
      const load = ["-u", "3", "-r", "100", "-t", "60", "--json", "run.json"];
      const args = ["-f", "aiotestfile.js", "-H", host, ...load, ...(secure ? TRUST : [])];
      const { code, stdout, stderr } = await desk.run(...args);
      assert.equal(code, 0, stderr + stdout);
      assert.deepEqual(seen, { compressed: 30, plain: 30, pings: 30, closes: [1000, 1000, 1000] });
      const { requests, metrics } = await desk.summary();
      const counted = requests.map(({ name, requests, failures }) => [name, requests, failures]);
      assert.deepEqual(Object.fromEntries(counted.map(([name, ...counts]) => [name, counts])), {
        "/chat": [3, 0],
        "/chat ping": [30, 0],
        long: [30, 0],
        short: [30, 0],
      });
      const received = metrics.find(({ name }) => name === "ws_bytes_received");
      assert.ok(received?.type === "counter" && received.value < 30 * 200, "the sizes on the wire");
    },
  );
}

for (const secure of [false, true]) {
  executableTest(
    `has a dashboard ${secure ? "over TLS" : "without TLS"} that answers and obeys, and a history`,
    async () => {
      await using target = new CountingTarget();
      const { cert, key } = identity("good");
      const token = "open sesame";
      await using desk = await Desk.with({
        "aiotestfile.js": VISITS,
        "cert.pem": cert,
        "key.pem": key,
        "ca.pem": testAuthority(),
      });
      const env = {
        AIOTEST_WEB_TOKEN: token,
        AIOTEST_NO_WEB: "false",
        AIOTEST_NO_HISTORY: "false",
      };
      const options = { ...desk.options, env: { ...desk.options.env, ...env } };
      const file = ["-f", "aiotestfile.js", "-u", "3", "-r", "100"];
      {
        await using earlier = new CountingTarget();
        const args = [...file, "-H", earlier.url, "-t", "1", "--no-web"];
        const { code, stderr } = await runAiotest(args, options);
        assert.equal(code, 0, stderr);
      }
      const certificate = ["--web-tls-cert", "cert.pem", "--web-tls-key", "key.pem"];
      const web = ["--web-port", "0", ...(secure ? certificate : [])];
      const run = startAiotest(
        [...file, "-H", target.url, ...web, "--json", "run.json"],
        options,
      );
      const url = await run.tells(/Dashboard: (https?:\/\/[^/\s]+\/)/);
      assert.equal(url.startsWith("https:"), secure);

      using client = Deno.createHttpClient({ caCerts: [testAuthority()] });
      const headers = { ...FROM_PAGE, Authorization: `Bearer ${token}` };
      const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
        fetch(new URL(path, url), { client, headers, ...init });
      const text = async (path: string): Promise<string> => {
        const response = await ask(path);
        assert.equal(response.status, 200, path);
        return await response.text();
      };
      // The pages, and what they load.
      const seen = new Set(["", "runs"]);
      for (const path of seen) {
        const links = (await text(path)).matchAll(/ (?:src|href)="([^"#:]+)"| from "(\.[^"]+)"/g);
        for (const [, link, module] of links) {
          const { href } = new URL(link ?? module!, new URL(path, url));
          seen.add(href.slice(url.length));
        }
      }
      assert.ok(seen.size > 10, [...seen].join(" "));
      // A thread makes these.
      const [{ id }] = JSON.parse(await text("api/runs")).runs;
      assert.match(await text(`api/runs/${id}/report`), /^<!DOCTYPE html>/i);
      assert.match(await text(`api/runs/${id}/compare/${id}`), /^\{"a":/);
      assert.match(await text("healthz"), /^ok/);
      assert.match(await text("metrics"), /^aiotest_users\S* \d/m);
      const stranger = await ask("api/stop", { method: "POST", body: "{}", headers: FROM_PAGE });
      assert.equal(stranger.status, 401);
      await stranger.body?.cancel();

      const stream = new EventReader((await ask("api/stream")).body!);
      assert.equal((await stream.nextOf("view")).data.aiotest, config.version);
      const body = JSON.stringify({ users: 5, rate: 100 });
      const changed = await ask("api/target", { method: "POST", body });
      assert.deepEqual([changed.status, await changed.json()], [200, { ok: true }]);
      while ((await stream.nextOf("update")).data.live.users.current !== 5);

      const control = async (...args: string[]): Promise<string> => {
        const trust = secure ? ["--ca", "ca.pem"] : [];
        const finished = await runAiotest(["control", url, ...args, ...trust], options);
        assert.deepEqual([finished.code, finished.stderr], [0, ""]);
        return finished.stdout;
      };
      assert.match(await control("status"), /^running .* 5 of 5 users, /);
      await control("pause");
      assert.match(await control("status"), /^paused /);
      await control("resume");
      await control("report", "--html", "now.html");
      assert.match(await Deno.readTextFile(`${desk.folder}/now.html`), /^<!DOCTYPE html>/i);
      await control("stop");
      let exitCode: number | null = null;
      while (exitCode === null) ({ exitCode } = (await stream.nextOf("view")).data);
      assert.equal(exitCode, 0);
      const { code, stderr } = await run.finished;
      assert.equal(code, 0, stderr);
      await stream.leave();
      const summary = await desk.summary();
      assertEqualCounts(summary, target);
      assert.deepEqual([summary.complete, summary.pauses.length], [true, 1]);
      const { stdout: kept } = await desk.run("history");
      assert.match(kept, new RegExp(`^${summary.runId.slice(0, 8)} .* passed `, "m"));
    },
  );
}

executableTest("runs a package from npm that was bundled as the docs say", async () => {
  const port = steadyPort();
  await using desk = await Desk.with({
    "mqtt.ts": await Deno.readTextFile(projectPath("examples/mqtt.ts")),
    "mosquitto.conf":
      `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type all\n`,
  });
  const page = await Deno.readTextFile(projectPath("docs/protocols.md"));
  const [, words = ""] = /^deno (bundle .*) orders\.js postgres\.ts$/m.exec(page) ?? [];
  assert.notEqual(words, "", "the command of the docs");
  const { code, stderr } = await runCommand(
    Deno.execPath(),
    [...words.split(" "), "devices.js", "mqtt.ts"],
    { cwd: desk.folder },
  );
  assert.equal(code, 0, stderr);
  await using broker = await LoggingServer.start(
    { program: "mosquitto", args: ["-c", `${desk.folder}/mosquitto.conf`] },
    "running",
  );
  const load = ["-u", "3", "-r", "100", "--iterations", "24", "--json", "run.json"];
  const host = ["-H", `mqtt://127.0.0.1:${port}`];
  const ran = await desk.run("-f", "devices.js", ...host, ...load);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  const { requests } = await desk.summary();
  const counted = requests.map(({ name, requests, failures }) => `${name} ${requests} ${failures}`);
  const expected = ["connect 3 0", "publish reading 24 0", "round trip 24 0", "subscribe 3 0"];
  assert.deepEqual(counted.sort(), expected);
  const received = (await broker.stop()).matchAll(/Received PUBLISH from .*'readings'/g);
  assert.equal([...received].length, 24);
}, isMissing("mosquitto") ? "there is no mosquitto" : "");

executableTest("gives a test file all permissions, without a prompt", async () => {
  await using desk = await Desk.with({
    "aiotestfile.js": `
      const names = ["env", "ffi", "import", "net", "read", "run", "sys", "write"];
      for (const name of names) {
        const { state } = await Deno.permissions.query({ name });
        if (state !== "granted") throw new Error(name + " is " + state);
      }
      const limits = Deno.readTextFileSync("/proc/self/limits");
      Deno.writeTextFileSync("here.txt", limits.includes("open files") ? "well" : "badly");
      const { stdout } = await new Deno.Command("/bin/echo", { args: ["done"] }).output();
      throw new Error(new TextDecoder().decode(stdout));`,
  });
  const { code, stderr } = await desk.run("-f", "aiotestfile.js");
  assert.match(stderr, /Error: done/);
  assert.equal(await Deno.readTextFile(`${desk.folder}/here.txt`), "well");
  assert.equal(code, 2);
});

executableTest("takes no orders from files of Deno's or Node's that lie about", async () => {
  const other = JSON.stringify({ imports: { aiotest: "./other.js" }, nodeModulesDir: "auto" });
  await using desk = await Desk.with({
    "aiotestfile.js":
      `import { User } from "aiotest"; export class ATest extends User { testA() {} }`,
    "deno.json": other,
    "package.json": `{ "imports": { "aiotest": "./other.js" }, "type": "commonjs" }`,
    ".env": "AIOTEST_USERS=none\n",
    "other.js": `throw new Error("not this one");`,
  });
  const { code, stderr } = await desk.run("-f", "aiotestfile.js", "-t", "1");
  assert.doesNotMatch(stderr, /not this one/);
  assert.equal(code, 0, stderr);
});
