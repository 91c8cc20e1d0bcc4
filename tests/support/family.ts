// A parent and its child, for tests of child processes: family.ts parent|report|wait|leave […].
import { denoHost } from "../../src/core/host.ts";

const host = denoHost();
const [part, ...rest] = host.args;

function say(text: string): void {
  host.stdout.write(`${text}\n`);
}

switch (part) {
  // Starts this file again with the other arguments, and ends with the same exit code.
  case "parent": {
    const child = host.spawnSelf(rest, {
      env: { AIOTEST_TOKEN: "s3cret" },
      onLine: (text) => say(`> ${text}`),
    });
    say(`pid ${child.pid}`);
    host.exit((await child.ended).code);
    break;
  }
  // Prints its arguments and environment.
  case "report": {
    const env = ["AIOTEST_TOKEN", "AIOTEST_USERS", "AIOTEST__CHILD", "ORDINARY"];
    say(JSON.stringify({ args: rest, env: env.map((name) => host.env(name) ?? null) }));
    say(`a flag of V8: ${"gc" in globalThis}`);
    host.stderr.write("no end of line");
    host.exit(7);
    break;
  }
  // Runs until its parent ends or it is stopped.
  case "wait": {
    const connection = await host.connect({
      hostname: "127.0.0.1",
      port: Number(rest[0]),
      tls: null,
    });
    host.onInterrupt(() => {
      say("stopping");
      host.exit(0);
    });
    host.onParentGone(() => host.exit(4));
    await connection.write(new TextEncoder().encode("!"));
    break;
  }
  // Leaves a process behind that keeps its standard output open.
  case "leave":
    new Deno.Command("sleep", { args: ["5"], stdin: "null", stderr: "null" }).spawn();
    host.exit(0);
}
