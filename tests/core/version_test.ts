import assert from "node:assert/strict";
import { VERSION, versionText } from "../../src/core/version.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("the version is that of deno.json", () => {
  assert.equal(VERSION, config.version);
});

Deno.test("the version's text names the runtime as well", () => {
  assert.equal(versionText(), `aiotest ${config.version} (deno ${Deno.version.deno})`);
});
