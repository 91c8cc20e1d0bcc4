import assert from "node:assert/strict";
import { hasHeader, requestHeaders } from "../../src/http/request_options.ts";

Deno.test("headers of the test come first, then what body and options imply", () => {
  const headers = { "X-A": "1", Accept: "y" };
  assert.deepEqual(requestHeaders({ headers, auth: ["u", "p"] }, "text/x", "Basic of the URL"), [
    ["X-A", "1"],
    ["Accept", "y"],
    ["content-type", "text/x"],
    ["authorization", `Basic ${btoa("u:p")}`],
  ]);
  assert.deepEqual(requestHeaders({}, null, "Basic of the URL"), [[
    "authorization",
    "Basic of the URL",
  ]]);
  assert.deepEqual(requestHeaders({}, null, null), []);
});

Deno.test("what the test says itself stays", () => {
  const headers: [string, string][] = [["CONTENT-TYPE", "own"], ["Authorization", "own"]];
  assert.deepEqual(requestHeaders({ headers, auth: ["u", "p"] }, "text/x", null), headers);
});

Deno.test("headers are found in any case", () => {
  assert.equal(hasHeader([["Cookie", ""]], "cookie"), true);
  assert.equal(hasHeader([["Set-Cookie", ""]], "cookie"), false);
});
