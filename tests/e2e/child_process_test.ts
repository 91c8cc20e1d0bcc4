import assert from "node:assert/strict";
import { projectPath } from "../support/paths.ts";

const FAMILY = projectPath("tests/support/family.ts");

/** How soon a child must be gone behind its parent. */
const GONE_MS = 2000;

function parent(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--v8-flags=--expose-gc", FAMILY, "parent", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** A parent whose child waits, and the connection that the child holds as long as it lives. */
interface Family {
  readonly process: Deno.ChildProcess;
  readonly child: Deno.Conn;
  readonly childPid: number;
  /** What else the parent says, to its end. */
  rest(): Promise<string>;
}

async function waitingFamily(): Promise<Family> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const process = parent(["wait", String(listener.addr.port)]);
  const child = await listener.accept();
  // Its first byte: from now on it listens to signals and to its parent.
  assert.equal(await child.read(new Uint8Array(8)), 1);
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const childPid = Number(/^pid (\d+)\n$/.exec(value!)?.[1]);
  return {
    process,
    child,
    childPid,
    async rest(): Promise<string> {
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

/** Milliseconds until the connection's other end is closed, in whatever way. */
async function closed(connection: Deno.Conn): Promise<number> {
  const begun = performance.now();
  assert.equal(await connection.read(new Uint8Array(8)).catch(() => null), null);
  connection.close();
  return performance.now() - begun;
}

Deno.test("a child is the same program with the same runtime flags, and its own arguments and variables", async () => {
  const env = { AIOTEST_USERS: "5", AIOTEST_TOKEN: "another", ORDINARY: "yes" };
  const process = parent(["report", "-f", "a b.ts", "--", ""], env);
  const { code, stdout } = await process.output();
  const [pid, ...lines] = new TextDecoder().decode(stdout).split("\n");
  assert.match(pid!, /^pid \d+$/);
  // Lines of two streams come in any order.
  assert.deepEqual(lines.sort(), [
    "",
    "> a flag of V8: true",
    "> no end of line",
    '> {"args":["-f","a b.ts","--",""],"env":["s3cret",null,null,"yes"]}',
  ]);
  assert.equal(code, 7);
});

Deno.test("a child whose parent is killed is gone within 2 s", async () => {
  const { process, child, rest } = await waitingFamily();
  process.kill("SIGKILL");
  const ms = await closed(child);
  assert.ok(ms < GONE_MS, `${ms.toFixed()} ms`);
  await process.status;
  assert.equal(await rest(), "");
});

Deno.test("a child leaves Ctrl-C to its parent, and obeys SIGTERM", async () => {
  const { process, child, childPid, rest } = await waitingFamily();
  Deno.kill(childPid, "SIGINT");
  Deno.kill(childPid, "SIGTERM");
  assert.equal(await rest(), "> stopping\n");
  await closed(child);
  assert.equal((await process.status).code, 0);
});

Deno.test("a child that was killed by a signal ended with 128 and its number", async () => {
  const { process, child, childPid, rest } = await waitingFamily();
  Deno.kill(childPid, "SIGKILL");
  await rest();
  await closed(child);
  assert.equal((await process.status).code, 137);
});

Deno.test("what a child has left behind does not hold up its end", async () => {
  const begun = performance.now();
  const { code } = await parent(["leave"]).output();
  assert.equal(code, 0);
  assert.ok(performance.now() - begun < 4000);
});
