import assert from "node:assert/strict";
import { VERSION, versionText } from "../../src/core/version.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("the version is the one in deno.json", () => {
  assert.equal(VERSION, config.version);
});

Deno.test("from source, the version names the runtime and no commit", () => {
  assert.equal(versionText(), `aiotest ${config.version} (deno ${Deno.version.deno})`);
});

Deno.test("the version names the commit that an executable was built from", () => {
  const deno = Deno.version.deno;
  assert.equal(versionText("461d735"), `aiotest ${config.version} (commit 461d735, deno ${deno})`);
  assert.equal(
    versionText("461d735+"),
    `aiotest ${config.version} (commit 461d735+, deno ${deno})`,
  );
});
