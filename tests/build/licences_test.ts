import assert from "node:assert/strict";
import { licenceReport } from "../../build/licence_report.ts";

const GOOD = { name: "redis", version: "6.3.1", licence: "MIT" };
const BAD = { name: "spread", version: "1.0.0", licence: "AGPL-3.0" };

Deno.test("a package that must not be shipped fails the check, and is named", () => {
  const { text, failed } = licenceReport([GOOD, BAD, { ...BAD, name: "odd", licence: null }], []);
  assert.equal(failed, true);
  assert.match(text, /^ {2}redis 6\.3\.1 {3}MIT$/m);
  assert.match(text, /^ {2}spread 1\.0\.0 {2}AGPL-3\.0 {2}<- not allowed$/m);
  assert.match(text, /^spread 1\.0\.0 must not be in the executable: AGPL-3\.0; /m);
  assert.match(text, /^odd 1\.0\.0 must not be in the executable: it names no licence; /m);
});

Deno.test("what only tests use may have any licence, and stands apart", () => {
  const { text, failed } = licenceReport([GOOD], [BAD]);
  assert.equal(failed, false);
  assert.equal(
    text,
    "In the executable:\n  redis 6.3.1   MIT\n" +
      "Only to test and to measure with:\n  spread 1.0.0  AGPL-3.0\n",
  );
});
