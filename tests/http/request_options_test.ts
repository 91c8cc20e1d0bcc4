import assert from "node:assert/strict";
import {
  checkOptions,
  encodeBody,
  encodeFields,
  type FieldValue,
  hasHeader,
  requestHeaders,
  type RequestOptions,
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

const BAD_BODIES: [options: unknown, message: string][] = [
  [7, "7, expected "],
  [null, "null, expected .*; undefined sends none"],
  [{ a: 1 }, "{ a: 1 }, expected .*; json sends an object as JSON"],
  [new Map(), "Map.*; json sends"],
  [
    { async *[Symbol.asyncIterator](): AsyncGenerator {} },
    "; ReadableStream.from makes a stream of it",
  ],
];

for (const [body, message] of BAD_BODIES) {
  Deno.test(`a body of another type is refused: ${message}`, () => {
    assert.throws(() => encodeBody({ body: body as string }), {
      name: "TypeError",
      message: new RegExp(`^body: .*${message}`),
    });
  });
}

const BAD_FIELDS: [fields: unknown, message: string][] = [
  ["a=b", "'a=b', expected names and values"],
  [null, "null, expected names and values"],
  [new FormData(), "FormData {}, expected names and values; send it with the option body"],
  [["a=b"], "expected a list of pairs, each [name, value]"],
  [[["a"]], "expected a list of pairs, each [name, value]"],
  [
    { a: null },
    "a is null, expected a string, a number or a boolean, or a list of them; undefined leaves it out",
  ],
  [{ a: { b: 1 } }, "a is { b: 1 }, expected a string, a number or a boolean, or a list of them"],
  [{ a: [[1]] }, "a is [ 1 ], expected a string, a number or a boolean, or a list of them"],
];

for (const [fields, message] of BAD_FIELDS) {
  Deno.test(`fields that have no text of their own are refused: ${message}`, () => {
    for (const option of ["params", "form"] as const) {
      assert.throws(() => encodeFields(fields as never, option), {
        name: "TypeError",
        message: `${option}: ${message}`,
      });
    }
  });
}

Deno.test("a Blob is sent with its type", async () => {
  const body = new Blob(["content"], { type: "image/png" });
  const { content, contentType } = await encodeBody({ body });
  assert.deepEqual([new TextDecoder().decode(content as Uint8Array), contentType], [
    "content",
    "image/png",
  ]);
  assert.equal((await encodeBody({ body: new Blob(["x"]) })).contentType, null);
});

Deno.test("a type of multipart gets the boundary of the form, other types are kept", () => {
  const sent = (own: string, body = "multipart/form-data; boundary=x1"): string =>
    requestHeaders({ headers: { "Content-Type": own } }, body, null)[0]![1];
  assert.equal(sent("multipart/form-data"), "multipart/form-data; boundary=x1");
  assert.equal(sent("Multipart/Mixed; a=b"), "Multipart/Mixed; a=b; boundary=x1");
  assert.equal(
    sent('multipart/form-data; BOUNDARY="y"; a=b'),
    "multipart/form-data; a=b; boundary=x1",
  );
  assert.equal(sent("text/plain"), "text/plain");
  assert.equal(sent("multipart/form-data", "application/json"), "multipart/form-data");
});

const BAD_OPTION_NAMES: [options: unknown, message: string][] = [
  [{ timout: 1 }, 'options: "timout" is unknown; did you mean timeout?'],
  [{ json: {}, parms: undefined }, 'options: "parms" is unknown; did you mean params?'],
  [{ nmae: "x" }, 'options: "nmae" is unknown; did you mean name?'],
  [{ header: {} }, 'options: "header" is unknown; did you mean headers?'],
  [{ Headers: {} }, 'options: "Headers" is unknown; did you mean headers?'],
  [{ data: {} }, 'options: "data" is unknown; did you mean form or body?'],
  [{ search_params: {} }, 'options: "search_params" is unknown; did you mean params?'],
  [
    { check: () => {} },
    'options: "check" is unknown; a check is the third argument of the request',
  ],
  [
    { zzz: 1 },
    'options: "zzz" is unknown; a request has the options name, params, headers, json, form, body, ' +
    "timeout, redirect, auth, resources, tags",
  ],
  [{ redirect: "manuel" }, 'redirect: \'manuel\', expected "follow" or "manual"'],
];

for (const [options, message] of BAD_OPTION_NAMES) {
  Deno.test(`unknown options are refused: ${message}`, () => {
    assert.throws(() => checkOptions(options as never), { name: "TypeError", message });
  });
}

Deno.test("every known option passes", () => {
  const { name, params, headers, json, form, body, timeout, redirect, auth } = {} as RequestOptions;
  checkOptions({ name, params, headers, json, form, body, timeout, redirect, auth });
  checkOptions({ redirect: "follow" });
  checkOptions({});
});

Deno.test("values are encoded, arrays repeat, undefined is left out", () => {
  assert.equal(
    encodeFields({
      big: 9007199254740993n,
      "a b": "ü&=",
      n: 0,
      yes: false,
      list: ["x", 2, true],
      none: undefined,
      empty: [],
    }, "form"),
    "big=9007199254740993&a+b=%C3%BC%26%3D&n=0&yes=false&list=x&list=2&list=true",
  );
  for (
    const fields of [
      new URLSearchParams("a=1&a=2&b="),
      new Map<string, FieldValue | FieldValue[]>([["a", [1, 2]], ["b", ""]]),
      [["a", 1], ["a", 2], ["b", ""]] as [string, FieldValue][],
    ]
  ) assert.equal(encodeFields(fields, "params"), "a=1&a=2&b=");
});

Deno.test("fields are appended to an existing query", () => {
  const added = ["/a", "/a?", "/a?b", "/a?b=c&", "/a#d", "/a?b=c#d?e", "?b=c"]
    .map((url) => withQuery(url, "q=1"));
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
  [
    { headers: { Authorization: ["s3cret"] } },
    "headers: Authorization is no string (object), expected a string",
  ],
  [{ headers: "x: 1" }, "headers: a string, expected an object"],
  [{ headers: ["x: 1"] }, "headers: expected a list of pairs, each [name, value]"],
  [{ headers: [["x"]] }, "headers: expected a list of pairs, each [name, value]"],
  [{ headers: null }, "headers: null, expected an object"],
  [
    { auth: "user:password" },
    "auth: expected [user, password] or { digest: [user, password] }, all strings",
  ],
  [
    { auth: ["user"] },
    "auth: expected [user, password] or { digest: [user, password] }, all strings",
  ],
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
