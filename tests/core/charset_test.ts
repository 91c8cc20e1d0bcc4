import assert from "node:assert/strict";
import { asciiText, showsUtf8 } from "../../src/core/charset.ts";
import { columnsOf } from "../../src/report/terminal.ts";

Deno.test("a locale tells whether terminals show UTF-8, and without one they do", () => {
  const shows = (env: Record<string, string>): boolean => showsUtf8((name) => env[name]);
  for (const locale of ["en_US.UTF-8", "C.utf8", "de_DE", "de_DE@euro", "C.UTF-8@x"]) {
    assert.ok(shows({ LANG: locale }), locale);
  }
  for (
    const locale of ["C", "POSIX", "en_US.ISO-8859-1", "ja_JP.eucJP", "de_DE.ISO-8859-15@euro"]
  ) {
    assert.ok(!shows({ LANG: locale }), locale);
  }
  assert.ok(shows({}));
  assert.ok(shows({ LC_ALL: "", LANG: "C.UTF-8" }));
  assert.ok(!shows({ LC_ALL: "C", LANG: "C.UTF-8" }));
  assert.ok(shows({ LC_CTYPE: "C.UTF-8", LANG: "C" }));
});

Deno.test("other terminals get ASCII of the same width", () => {
  const text = "─│ ▁▂▃▄▅▆▇█ ░▏▉ ✓✗· a…b ≥1 × 0–2 \x1b[31mé\x1b[0m\n";
  assert.equal(asciiText(text), "-| __--==## .|# +x. a~b >1 x 0-2 \x1b[31m?\x1b[0m\n");
  assert.equal(columnsOf(asciiText("─…≥✓")), columnsOf("─…≥✓"));
});
