import assert from "node:assert/strict";
import { checkMachineAccess } from "../../build/machine_access.ts";
import { inventedFile } from "./invented_file.ts";

function touched(path: string, text: string): string[] {
  return checkMachineAccess([inventedFile(path, { text })]).map(({ reason }) => reason);
}

Deno.test("arguments, environment, exit and console are touched where the code names them", () => {
  const text = [
    `const user = Deno.env.get("USER");`,
    `if (Deno.args.length === 0) Deno.exit(2);`,
    `console.log(user);`,
    `process.exit(1);`,
  ].join("\n");
  assert.deepEqual(touched("src/cli/main.ts", text), [
    "touches Deno.env; take it from the Host",
    "touches Deno.args; take it from the Host",
    "touches Deno.exit; take it from the Host",
    "touches console.log; take it from the Host",
    "touches process.exit; take it from the Host",
  ]);
});

Deno.test("the Host and the entry point may touch them, and so may tests and tools", () => {
  for (const path of ["src/core/host.ts", "cli.ts", "tests/e2e/run_test.ts", "build/ok.ts"]) {
    assert.deepEqual(touched(path, "Deno.exit(Deno.args.length);"), []);
  }
});

Deno.test("comments, and names that only look alike, touch nothing", () => {
  const text = [
    `/**`,
    ` * console.log("an example");`,
    ` */`,
    `const a = 1; // Deno.exit would be wrong here`,
    `host.env("HOME"); console.update(snapshot); Deno.environment;`,
  ].join("\n");
  assert.deepEqual(touched("src/core/logger.ts", text), []);
});

Deno.test("an address with two slashes in it does not hide what follows", () => {
  assert.deepEqual(touched("src/cli/main.ts", `get("http://127.0.0.1"); console.error("x");`), [
    "touches console.error; take it from the Host",
  ]);
});
