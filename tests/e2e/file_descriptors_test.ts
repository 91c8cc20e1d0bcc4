import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import { projectPath } from "../support/paths.ts";

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
    const cli = [Deno.execPath(), "run", "-A", "--quiet", projectPath("cli.ts"), ...options];
    const { code, stderr } = await runCommand(
      "sh",
      ["-c", 'ulimit -n 100; exec "$@"', "sh", ...cli],
      { cwd: folder, env: { AIOTEST_NO_WEB: "1" } },
    );
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stderr, /cannot write|^\s+at /m);
    for (const name of names) assert.ok((await Deno.stat(`${folder}/${name}`)).size > 100, name);
    // The limit was reached.
    assert.match(await Deno.readTextFile(`${folder}/a.json`), /EMFILE/);
    await Deno.remove(folder, { recursive: true });
  },
});
