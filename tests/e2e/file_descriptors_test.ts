import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";

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
