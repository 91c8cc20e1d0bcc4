import assert from "node:assert/strict";
import { encodeFields, withQuery } from "../../src/http/request_options.ts";

Deno.test("values are encoded, arrays repeat, undefined is left out", () => {
  assert.equal(
    encodeFields({
      "a b": "ü&=",
      n: 0,
      yes: false,
      list: ["x", 2, true],
      none: undefined,
      empty: [],
    }),
    "a+b=%C3%BC%26%3D&n=0&yes=false&list=x&list=2&list=true",
  );
  assert.equal(encodeFields(new URLSearchParams("a=1&a=2")), "a=1&a=2");
});

Deno.test("fields go behind the query that is there", () => {
  const added = ["/a", "/a?", "/a?b", "/a?b=c&", "/a#d", "/a?b=c#d?e", "?b=c"]
    .map((url) => withQuery(url, { q: 1 }));
  assert.deepEqual(added, [
    "/a?q=1",
    "/a?q=1",
    "/a?b&q=1",
    "/a?b=c&q=1",
    "/a?q=1",
    "/a?b=c&q=1",
    "?b=c&q=1",
  ]);
});
