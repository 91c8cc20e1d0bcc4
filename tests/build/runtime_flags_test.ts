import assert from "node:assert/strict";
import { RUNTIME_FLAGS } from "../../build/runtime_flags.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("the tasks that run aiotest start it as the executable is started", () => {
  const flags = RUNTIME_FLAGS.join(" ");
  assert.equal(config.tasks.aiotest, `deno run -A ${flags} cli.ts`);
  assert.equal(config.tasks.demo, `deno run -A ${flags} cli.ts demo`);
});
