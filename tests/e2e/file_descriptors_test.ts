import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import { startAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";

/** What a request does once the process may open no more files, by the transport that makes it. */
const REQUESTS: Readonly<Record<string, string>> = {
  fetch: `
    import { fetchFailure } from ${module("fetch_transport.ts")};
    const connect = () => fetch("http://127.0.0.1:65000/");
    const codeOf = (error) => fetchFailure(error, false).code;`,
  sockets: `
    import { socketFailure } from ${module("socket_errors.ts")};
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port: 1 });
    const codeOf = (error) => socketFailure(error, "connect").code;`,
};

function module(name: string): string {
  return JSON.stringify(import.meta.resolve(`../../src/http/${name}`));
}

for (const [name, request] of Object.entries(REQUESTS)) {
  Deno.test({
    name: `${name}: a request without a free file descriptor fails with EMFILE`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      // The first request loads what the runtime opens files for: only the second one finds none left.
      const script = `${request}
        const failureOf = () => connect().then(() => "a connection", (error) => error);
        const refused = await failureOf();
        const files = [];
        try { for (;;) files.push(Deno.openSync("/dev/null")); } catch { /* That was the last one. */ }
        const failure = await failureOf();
        for (const file of files) file.close();
        console.log(codeOf(refused), codeOf(failure));
        if (codeOf(failure) !== "EMFILE") console.log(failure, failure?.cause);
        Deno.exit(0);`;
      const limited = 'ulimit -n 64; exec "$0" eval "$1"';
      const { stdout, stderr } = await runCommand("sh", ["-c", limited, Deno.execPath(), script]);
      assert.equal(stdout, "ECONNREFUSED EMFILE\n", stderr);
    },
  });
}

/** Users who need more descriptors than there are. At the end, all that are left are taken. */
const GREEDY = `
import { events, FastHttpUser } from "aiotest";
export class GreedyTest extends FastHttpUser {
  static waitTime = 0.05;
  async testGet() { await this.session.get("/"); }
}
const files = [];
events.on("testStop", async () => {
  // Until the last socket is closed.
  for (let turn = 0; turn < 20; turn++) {
    try { for (;;) files.push(Deno.openSync("/dev/null")); } catch { /* That was the last one. */ }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
`;

Deno.test({
  name: "every report is written, even if users have taken all file descriptors",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("ok"),
    );
    await Deno.writeTextFile(`${folder}/aiotestfile.ts`, GREEDY);
    const names = ["a.html", "a.json", "a.xml", "a_stats.csv"];
    const options = ["-u", "200", "-r", "1000", "-H", `http://127.0.0.1:${server.addr.port}`]
      .concat("-t", "2", "--json", "a.json", "--html", "a.html", "--junit", "a.xml", "--csv", "a");
    const run = startAiotest(options, { cwd: folder, openFiles: 100 });
    const { code, stderr } = await run.finished;
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stderr, /cannot write|^\s+at /m);
    for (const name of names) assert.ok((await Deno.stat(`${folder}/${name}`)).size > 100, name);
    // The limit was reached.
    assert.match(await Deno.readTextFile(`${folder}/a.json`), /EMFILE/);
    await Deno.remove(folder, { recursive: true });
  },
});

/** A target, and a test file with users that send a request ten times per second over one connection each. */
class Scene implements AsyncDisposable {
  readonly target = new Target({ "/": () => new Response("ok") });
  readonly folder = Deno.makeTempDirSync();

  constructor(userClass: "FastHttpUser" | "HttpUser") {
    Deno.writeTextFileSync(
      `${this.folder}/aiotestfile.ts`,
      `import { ${userClass} } from "aiotest";
      export class ShopTest extends ${userClass} {
        static override waitTime = 0.1;
        async testShop(): Promise<void> {
          await this.session.get("/");
        }
      }`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

for (const userClass of ["FastHttpUser", "HttpUser"] as const) {
  for (const name of ["127.0.0.1", "localhost"]) {
    Deno.test({
      name: `${userClass}: requests to ${name} without a descriptor are not the target's failures`,
      ignore: Deno.build.os === "windows",
      fn: async () => {
        await using scene = new Scene(userClass);
        const host = scene.target.url.replace("127.0.0.1", name);
        // Users wait for their responses at the end, so the target has answered all that it has seen.
        const { code, stdout, stderr } = await startAiotest(
          ["-H", host, "-u", "100", "-r", "1000", "-t", "2", "--exit-code-on-error", "0"],
          { cwd: scene.folder, openFiles: 64 },
        ).finished;
        const text = stdout.replaceAll(/\s+/g, " ");
        const [, requests, unsent] = text.match(
          /FAILED ([\d,]+) requests, no failures, ([\d,]+) requests could not be sent by the load generator/,
        ) ?? assert.fail(stdout + stderr);
        assert.equal(Number(requests!.replace(",", "")), scene.target.requests.length);
        assert.notEqual(unsent, "0");
        assert.match(text, / \(load generator\) EMFILE: no file descriptor was free/);
        assert.match(text, /ran out of file descriptors \(limit 64\): raise the limit/);
        assert.equal(code, 1);
      },
    });
  }
}

Deno.test({
  name:
    "with 1,500 idle connections, the dashboard still answers, and users can still open connections",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using scene = new Scene("FastHttpUser");
    const run = startAiotest(["-H", scene.target.url, "-u", "60", "-r", "30", "--web-port", "0"], {
      cwd: scene.folder,
      env: { AIOTEST_NO_WEB: "false", AIOTEST_WEB_TOKEN: "secret" },
      openFiles: 256,
    });
    const url = new URL(await run.tells(/Dashboard: (http:\S+)/));
    const idle: Deno.Conn[] = [];
    for (let count = 0; count < 1_500; count++) {
      idle.push(await Deno.connect({ hostname: url.hostname, port: Number(url.port) }));
    }
    const visit = await fetch(new URL("/healthz", url));
    assert.equal(await visit.text(), "ok\n");
    const isFull = async (): Promise<boolean> => {
      const summary = await fetch(new URL("/api/summary", url), {
        headers: { Authorization: "Bearer secret" },
      });
      return (await summary.json()).live.users.current === 60;
    };
    while (!await isFull()) await new Promise((resolve) => setTimeout(resolve, 100));
    run.kill("SIGTERM");
    const { code, stdout, stderr } = await run.finished;
    for (const conn of idle) conn.close();
    const [, requests] = stdout.match(/PASSED {2}([\d,]+) requests?, no failures/) ??
      assert.fail(stdout + stderr);
    assert.equal(Number(requests!.replace(",", "")), scene.target.requests.length);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout + stderr, /file descriptors/);
  },
});
