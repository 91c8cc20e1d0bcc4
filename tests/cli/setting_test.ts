import assert from "node:assert/strict";
import { defaultsOf, defaultText, SETTINGS } from "../../src/cli/settings.ts";
import { DEFAULTS } from "../support/command_line.ts";

Deno.test("every option has the default that its table says", () => {
  assert.deepEqual(defaultsOf(SETTINGS), DEFAULTS);
});

Deno.test("a default is shown as people write it", () => {
  assert.equal(defaultText(SETTINGS.webPort), "8089");
  assert.equal(defaultText(SETTINGS.arrivals), "constant");
  assert.match(defaultText(SETTINGS.buckets), /^50 100 .* 5000 8000$/);
});

Deno.test("what has no value says what that means, and a flag that is off says nothing", () => {
  assert.equal(defaultText(SETTINGS.runTime), "no end");
  assert.equal(defaultText({ ...SETTINGS.runTime, default: 10 }), "10");
  for (const name of ["host", "noWeb", "threshold", "tags"] as const) {
    assert.equal(defaultText(SETTINGS[name]), "", name);
  }
});
