import assert from "node:assert/strict";
import { VERSION, versionText } from "../../src/core/version.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("the version is that of deno.json", () => {
  assert.equal(VERSION, config.version);
});

Deno.test("from source, the version's text names the runtime as well, and no commit", () => {
  assert.equal(versionText(), `aiotest ${config.version} (deno ${Deno.version.deno})`);
});

Deno.test("the text names the commit that an executable was made from", () => {
  const deno = Deno.version.deno;
  assert.equal(versionText("461d735"), `aiotest ${config.version} (commit 461d735, deno ${deno})`);
  assert.equal(
    versionText("461d735+"),
    `aiotest ${config.version} (commit 461d735+, deno ${deno})`,
  );
});
