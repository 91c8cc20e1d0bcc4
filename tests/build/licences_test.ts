import assert from "node:assert/strict";
import { isPermissive, licenceOf, licenceReport } from "../../build/licences.ts";

const GOOD = { name: "redis", version: "6.3.1", licence: "MIT" };
const BAD = { name: "spread", version: "1.0.0", licence: "AGPL-3.0" };

Deno.test("a shipped package that is not allowed fails the check, and is named", () => {
  const { text, failed } = licenceReport([GOOD, BAD, { ...BAD, name: "odd", licence: null }], []);
  assert.equal(failed, true);
  assert.match(text, /^ {2}redis 6\.3\.1 {3}MIT$/m);
  assert.match(text, /^ {2}spread 1\.0\.0 {2}AGPL-3\.0 {2}<- not allowed$/m);
  assert.match(text, /^spread 1\.0\.0 must not be in the executable: AGPL-3\.0; /m);
  assert.match(text, /^odd 1\.0\.0 must not be in the executable: it names no licence; /m);
});

Deno.test("packages of tests may have any licence, and are listed separately", () => {
  const { text, failed } = licenceReport([GOOD], [BAD]);
  assert.equal(failed, false);
  assert.equal(
    text,
    "In the executable:\n  redis 6.3.1   MIT\n" +
      "Only for tests and benchmarks:\n  spread 1.0.0  AGPL-3.0\n",
  );
});

Deno.test("the licence is read from current and from old package.json files", () => {
  assert.equal(licenceOf({ license: "MIT" }), "MIT");
  assert.equal(licenceOf({ license: { type: "ISC", url: "…" } }), "ISC");
  assert.equal(licenceOf({ licenses: [{ type: "MIT" }, { type: "GPL-2.0" }] }), "MIT OR GPL-2.0");
  assert.equal(licenceOf({ license: " " }), null);
  assert.equal(licenceOf({ licenses: [] }), null);
  assert.equal(licenceOf({}), null);
});

Deno.test("permissive licences are allowed", () => {
  for (const licence of ["MIT", "Apache-2.0", "BSD-3-Clause", "(MIT AND Zlib)", "((ISC))"]) {
    assert.equal(isPermissive(licence), true, licence);
  }
});

Deno.test("copyleft and unknown licences are not allowed", () => {
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

Deno.test("OR needs one permissive licence, AND needs all", () => {
  assert.equal(isPermissive("GPL-2.0 OR MIT"), true);
  assert.equal(isPermissive("MIT OR GPL-2.0"), true);
  assert.equal(isPermissive("MIT AND GPL-2.0"), false);
  assert.equal(isPermissive("(GPL-2.0 OR MIT) AND ISC"), true);
  // AND binds closer than OR.
  assert.equal(isPermissive("MIT OR ISC AND GPL-2.0"), true);
  assert.equal(isPermissive("GPL-2.0 OR ISC AND GPL-2.0"), false);
});

Deno.test("a malformed expression is not allowed", () => {
  for (const text of ["(MIT", "MIT)", "MIT ISC", "MIT OR", "AND MIT", "MIT WITH exception", "()"]) {
    assert.equal(isPermissive(text), false, text);
  }
});
