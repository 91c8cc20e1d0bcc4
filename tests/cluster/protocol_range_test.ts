import assert from "node:assert/strict";
import { commonProtocol } from "../../src/cluster/protocol.ts";
import { refusal } from "../support/joining.ts";

const ONE = { min: 1, max: 1 };

Deno.test("of the protocols that both speak the newest is taken", () => {
  assert.equal(commonProtocol(ONE, ONE), 1);
  assert.equal(commonProtocol({ min: 1, max: 4 }, { min: 2, max: 3 }), 3);
  assert.equal(commonProtocol({ min: 2, max: 3 }, { min: 1, max: 2 }), 2);
});

Deno.test("where there is none, both sides' protocols are named", () => {
  const hint = "give both the same version of aiotest";
  assert.throws(
    () => commonProtocol({ min: 2, max: 3 }, ONE),
    refusal("version", `the master speaks protocols 2 to 3, the worker protocol 1: ${hint}`),
  );
  assert.throws(
    () => commonProtocol(ONE, { min: 2, max: 2 }),
    refusal("version", `the master speaks protocol 1, the worker protocol 2: ${hint}`),
  );
});

Deno.test("a range that ends before it begins has nothing in common with any", () => {
  assert.throws(() => commonProtocol({ min: 3, max: 1 }, { min: 1, max: 3 }), { code: "version" });
  assert.throws(() => commonProtocol({ min: 0, max: 0 }, ONE), { code: "version" });
});
