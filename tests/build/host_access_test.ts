import assert from "node:assert/strict";
import plugin from "../../build/host_access.ts";

function reported(path: string, ...lines: string[]): string[] {
  return Deno.lint.runPlugin(plugin, path, lines.join("\n")).map(({ message }) => message);
}

Deno.test("arguments, environment, exit and console are for the Host alone", () => {
  const found = reported(
    "src/cli/main.ts",
    `const user = Deno.env.get("USER");`,
    `if (Deno.args.length === 0) Deno.exit(2);`,
    `console.log(user);`,
    `process.exit(1);`,
    `Deno["exitCode"] = 3;`,
  );
  assert.deepEqual(found, [
    "Deno.env is only for the Host",
    "Deno.args is only for the Host",
    "Deno.exit is only for the Host",
    "console.log is only for the Host",
    "process.exit is only for the Host",
    "Deno.exitCode is only for the Host",
  ]);
});

Deno.test("the Host, the entry point, tests and scripts may use them", () => {
  for (const path of ["src/core/host.ts", "cli.ts", "tests/e2e/run_test.ts", "build/ok.ts"]) {
    assert.deepEqual(reported(path, "Deno.exit(Deno.args.length);"), []);
  }
});

Deno.test("comments and similar names are no violation", () => {
  const lines = [
    `/** console.log("an example"); */`,
    `const a = 1; // Deno.exit would be wrong here`,
    `host.env("HOME"); console.update(snapshot); Deno.environment; host.Deno.exit;`,
  ];
  assert.deepEqual(reported("src/core/logger.ts", ...lines), []);
});

Deno.test("the plugin finds the project's files by their full paths as well", () => {
  const path = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  assert.deepEqual(reported(path, "Deno.exit(1);"), ["Deno.exit is only for the Host"]);
});

Deno.test("deno lint runs the plugin", async () => {
  const config = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  assert.deepEqual(JSON.parse(config).lint.plugins, ["./build/host_access.ts"]);
});
