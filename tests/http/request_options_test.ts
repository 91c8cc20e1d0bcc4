import assert from "node:assert/strict";
import {
  encodeBody,
  encodeFields,
  hasHeader,
  requestHeaders,
  withQuery,
} from "../../src/http/request_options.ts";

Deno.test("headers of the test come before those of body and options", () => {
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

Deno.test("headers that the test sets itself are kept", () => {
  const headers: [string, string][] = [["CONTENT-TYPE", "own"], ["Authorization", "own"]];
  assert.deepEqual(requestHeaders({ headers, auth: ["u", "p"] }, "text/x", null), headers);
});

Deno.test("headers are found in any case", () => {
  assert.equal(hasHeader([["Cookie", ""]], "cookie"), true);
  assert.equal(hasHeader([["Set-Cookie", ""]], "cookie"), false);
});

Deno.test("no body is null, and an empty one is a body", async () => {
  assert.deepEqual(await encodeBody({}), { content: null, contentType: null });
  assert.deepEqual(await encodeBody({ json: undefined, form: undefined }), {
    content: null,
    contentType: null,
  });
  assert.deepEqual((await encodeBody({ body: "" })).content, new Uint8Array(0));
  assert.deepEqual((await encodeBody({ form: {} })).content, new Uint8Array(0));
});

Deno.test("bytes and streams are not copied", async () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const { content } = await encodeBody({ body: new DataView(bytes.buffer, 1, 2) });
  assert.ok(content instanceof Uint8Array);
  assert.deepEqual([...content], [2, 3]);
  assert.equal(content.buffer, bytes.buffer);
  const stream = ReadableStream.from([bytes]);
  assert.equal((await encodeBody({ body: stream })).content, stream);
  await stream.cancel();
});

Deno.test("more than one body is refused, with their names", () => {
  const refused = (message: string): { name: string; message: string } => ({
    name: "TypeError",
    message,
  });
  const { json, form, body } = { json: {}, form: {}, body: "" };
  const text = "a request has one body, but";
  assert.throws(() => encodeBody({ json, form }), refused(`${text} json and form are given`));
  assert.throws(() => encodeBody({ form, body }), refused(`${text} form and body are given`));
  assert.throws(
    () => encodeBody({ json, form, body }),
    refused(`${text} json and form and body are given`),
  );
});

Deno.test("values that JSON cannot represent are refused", () => {
  assert.throws(() => encodeBody({ json: () => {} }), { name: "TypeError", message: /a function/ });
  const circle: unknown[] = [];
  circle.push(circle);
  assert.throws(() => encodeBody({ json: circle }), TypeError);
});

Deno.test("a body of another type is refused", () => {
  const odd: unknown = 7;
  assert.throws(() => encodeBody({ body: odd as string }), /a string, bytes, FormData/);
});

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

Deno.test("fields are appended to an existing query", () => {
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

Deno.test("numbers, booleans and bigints become the text of a header, and undefined is left out", () => {
  const headers = { a: 1, b: true, c: 5n, d: undefined, e: "x" } as unknown as HeadersInit;
  assert.deepEqual(requestHeaders({ headers }, null, null), [
    ["a", "1"],
    ["b", "true"],
    ["c", "5"],
    ["e", "x"],
  ]);
});

const BAD_OPTIONS: [options: unknown, message: string][] = [
  [{ headers: { "x-id": null } }, "headers: x-id is null, expected a string"],
  [{ headers: { "x-id": { a: 1 } } }, "headers: x-id is { a: 1 }, expected a string"],
  [{ headers: [[Symbol("x"), "1"]] }, "headers: Symbol(x) is Symbol(x), expected a string"],
  [{ headers: "x: 1" }, "headers: 'x: 1', expected an object"],
  [{ headers: null }, "headers: null, expected an object"],
  [{ auth: "user:password" }, "auth: expected [user, password], two strings"],
  [{ auth: ["user"] }, "auth: expected [user, password], two strings"],
];

for (const [options, message] of BAD_OPTIONS) {
  Deno.test(`options of a wrong type are refused: ${message}`, () => {
    assert.throws(() => requestHeaders(options as never, null, null), {
      name: "TypeError",
      message,
    });
  });
}

Deno.test("what cannot be written as JSON is refused, with the reason", () => {
  const thrower = {
    toJSON(): never {
      throw Object.create(null);
    },
  };
  for (const [json, reason] of [[5n, /json: .*BigInt/], [thrower, /json: .*null prototype/]]) {
    assert.throws(() => encodeBody({ json }), { name: "TypeError", message: reason as RegExp });
  }
});
