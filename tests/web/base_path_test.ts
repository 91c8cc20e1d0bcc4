import assert from "node:assert/strict";
import { basePath, notFoundText, placeOf } from "../../src/web/base_path.ts";

Deno.test("a base path has no slash at its end, and nothing that needs escaping", () => {
  const valid = ["/aiotest", "/aiotest/", "/tools/load-test_2/~a.b", "/"];
  assert.deepEqual(valid.map(basePath), ["/aiotest", "/aiotest", "/tools/load-test_2/~a.b", ""]);
  const invalid = ["", "aiotest", "//", "/a//b", "/./a", "/a/..", "/a b", "/a?b", "/a#b", "/%41"];
  for (const text of [...invalid, "/a;b", '/"', "/ü", "https://x/a", `/${"x".repeat(200)}`]) {
    assert.equal(basePath(text), null, text);
  }
});

Deno.test("a request leads below the base path, whether or not a trusted proxy removes a prefix", () => {
  const cases: [Parameters<typeof placeOf>, ReturnType<typeof placeOf>][] = [
    [["/api/summary", "", ""], { path: "/api/summary", base: "" }],
    [["/api/summary", "", "/load"], { path: "/api/summary", base: "/load" }],
    [["/load/api/summary", "/load", ""], { path: "/api/summary", base: "/load" }],
    [["/load", "/load", ""], { path: "", base: "/load" }],
    [["/load/", "/load", ""], { path: "/", base: "/load" }],
    // It has named the prefix without removing it.
    [["/load/", "/load", "/load"], { path: "/", base: "/load" }],
    [["/", "/load", "/load"], { path: "/", base: "/load" }],
    [["/load/", "/a/load", "/a"], { path: "/", base: "/a/load" }],
    [["/load/", "/load", "/a"], { path: "/", base: "/a/load" }],
    [["/", "/load", ""], null],
    [["/loader/", "/load", ""], null],
    [["/LOAD/", "/load", ""], null],
    [["/", "/load", "/other"], null],
  ];
  for (const [given, place] of cases) assert.deepEqual(placeOf(...given), place, given.join(" "));
});

Deno.test("an error about a path says what was received and what was expected", () => {
  const isKnown = (path: string): boolean => ["", "/", "/api/summary"].includes(path);
  const text = (path: string, base: string): string => notFoundText(path, base, isKnown);
  const advice =
    " (--web-base-path /load). If a proxy removes /load from the path, let it pass on " +
    "the whole path, or start aiotest without --web-base-path.";
  assert.equal(
    text("/api/summary", "/load"),
    `Not found. Received the path /api/summary, expected /load/api/summary${advice}`,
  );
  assert.equal(
    text("/other", "/load"),
    `Not found. Received the path /other, expected a path below /load/${advice}`,
  );
  assert.equal(
    text("/load/load/", "/load"),
    "Not found. Received the path /load/load/, expected /load/. The proxy adds /load to the path.",
  );
  assert.equal(
    text("/load/api/summary", ""),
    "Not found. Received the path /load/api/summary, expected /api/summary. If a proxy serves this " +
      "dashboard below /load/ and passes on the whole path: --web-base-path /load",
  );
  for (const path of ["/nothing", "/api/summary/", "/assets/", "/a%20b/api/summary", "//"]) {
    assert.equal(text(path, ""), "Not found.", path);
  }
  assert.ok(text(`/${"x".repeat(10_000)}`, "/load").length < 600);
});
