import assert from "node:assert/strict";
import { isPermissive, licenceOf } from "../../build/licence.ts";

Deno.test("a manifest names its licence in the ways of the times", () => {
  assert.equal(licenceOf({ license: "MIT" }), "MIT");
  assert.equal(licenceOf({ license: { type: "ISC", url: "…" } }), "ISC");
  assert.equal(licenceOf({ licenses: [{ type: "MIT" }, { type: "GPL-2.0" }] }), "MIT OR GPL-2.0");
  assert.equal(licenceOf({ license: " " }), null);
  assert.equal(licenceOf({ licenses: [] }), null);
  assert.equal(licenceOf({}), null);
});

Deno.test("licences that ask for little are good", () => {
  for (const licence of ["MIT", "Apache-2.0", "BSD-3-Clause", "(MIT AND Zlib)", "((ISC))"]) {
    assert.equal(isPermissive(licence), true, licence);
  }
});

Deno.test("licences that spread, and those that nobody knows, are not", () => {
  const bad = [
    "GPL-3.0-only",
    "AGPL-3.0",
    "LGPL-2.1-or-later",
    "MPL-2.0",
    "EPL-2.0",
    "SEE LICENSE IN LICENSE.md",
    "UNLICENSED",
    "mit",
    "",
  ];
  for (const licence of bad) assert.equal(isPermissive(licence), false, licence);
});

Deno.test("one of a choice is enough, and all of a sum are needed", () => {
  assert.equal(isPermissive("GPL-2.0 OR MIT"), true);
  assert.equal(isPermissive("MIT OR GPL-2.0"), true);
  assert.equal(isPermissive("MIT AND GPL-2.0"), false);
  assert.equal(isPermissive("(GPL-2.0 OR MIT) AND ISC"), true);
  // AND binds closer than OR.
  assert.equal(isPermissive("MIT OR ISC AND GPL-2.0"), true);
  assert.equal(isPermissive("GPL-2.0 OR ISC AND GPL-2.0"), false);
});

Deno.test("an expression that breaks the grammar is not", () => {
  for (const text of ["(MIT", "MIT)", "MIT ISC", "MIT OR", "AND MIT", "MIT WITH exception", "()"]) {
    assert.equal(isPermissive(text), false, text);
  }
});
