import assert from "node:assert/strict";
import { redirectConsole } from "../../src/core/console.ts";

/** A console with the methods of the runtime's, all of which fail as on a full disk. */
function fullConsole(): Console {
  const methods = Object.entries(globalThis.console).filter(([, value]) =>
    typeof value === "function"
  );
  const fail = (): never => {
    throw new Error("No space left on device");
  };
  return Object.fromEntries(methods.map(([name]) => [name, fail])) as unknown as Console;
}

Deno.test("what console prints is redirected as text, in groups, until that is stopped", () => {
  const output = fullConsole();
  const before = { ...output };
  const printed: [text: string, stream: string][] = [];
  const release = redirectConsole(output, (text, stream) => void printed.push([text, stream]));
  output.log("a %s", "b", { c: 1 });
  output.debug("d");
  output.info("e");
  output.warn("f");
  output.error("g");
  output.group("h");
  output.groupCollapsed();
  output.log("i\nj");
  output.groupEnd();
  output.error("k");
  output.groupEnd();
  output.groupEnd();
  output.log("l");
  output.dir({ m: "%s" }, { depth: 1 });
  // What is not redirected does not throw either.
  output.table([1]);
  output.time("m");
  release();
  assert.deepEqual(printed, [
    ["a b { c: 1 }", "stdout"],
    ["d", "stdout"],
    ["e", "stdout"],
    ["f", "stderr"],
    ["g", "stderr"],
    ["h", "stdout"],
    ["    i\n    j", "stdout"],
    ["  k", "stderr"],
    ["l", "stdout"],
    ["{ m: '%s' }", "stdout"],
  ]);
  assert.deepEqual({ ...output }, before);
});

Deno.test("redirections can be nested", () => {
  const printed: string[] = [];
  const output = fullConsole();
  const outer = redirectConsole(output, (text) => void printed.push(`outer ${text}`));
  const inner = redirectConsole(output, (text) => void printed.push(`inner ${text}`));
  output.log("a");
  inner();
  output.log("b");
  outer();
  assert.deepEqual(printed, ["inner a", "outer b"]);
});
