import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import { PROJECT_ROOT } from "../support/paths.ts";
import { isMissing } from "../support/requirement.ts";

const missing = isMissing("bun");

Deno.test({
  name: `what needs no Deno passes its tests under bun, with bun's types${
    missing ? " (skipped: there is no bun)" : ""
  }`,
  ignore: missing,
  fn: async () => {
    const { code, stdout, stderr } = await runCommand(
      Deno.execPath(),
      ["run", "-A", "build/bun.ts"],
      { cwd: PROJECT_ROOT },
    );
    assert.equal(code, 0, `${stdout}${stderr}`);
    const [, tests, files] = /^Ran (\d+) tests across (\d+) files/.exec(stdout) ?? [];
    assert.ok(Number(tests) > 450, stdout);
    assert.ok(Number(files) > 25, stdout);
  },
});
