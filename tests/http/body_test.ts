import assert from "node:assert/strict";
import { encodeBody } from "../../src/http/request_options.ts";

Deno.test("no body is none, and an empty one is one", async () => {
  assert.deepEqual(await encodeBody({}), { content: null, contentType: null });
  assert.deepEqual(await encodeBody({ json: undefined, form: undefined }), {
    content: null,
    contentType: null,
  });
  assert.deepEqual((await encodeBody({ body: "" })).content, new Uint8Array(0));
  assert.deepEqual((await encodeBody({ form: {} })).content, new Uint8Array(0));
});

Deno.test("bytes and streams are passed on, not copied", async () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const { content } = await encodeBody({ body: new DataView(bytes.buffer, 1, 2) });
  assert.ok(content instanceof Uint8Array);
  assert.deepEqual([...content], [2, 3]);
  assert.equal(content.buffer, bytes.buffer);
  const stream = ReadableStream.from([bytes]);
  assert.equal((await encodeBody({ body: stream })).content, stream);
  await stream.cancel();
});

Deno.test("more than one body is refused by name", () => {
  const refused = (message: string): { name: string; message: string } => ({
    name: "TypeError",
    message,
  });
  const { json, form, body } = { json: {}, form: {}, body: "" };
  const text = "a request takes one body, but";
  assert.throws(() => encodeBody({ json, form }), refused(`${text} json and form are given`));
  assert.throws(() => encodeBody({ form, body }), refused(`${text} form and body are given`));
  assert.throws(
    () => encodeBody({ json, form, body }),
    refused(`${text} json and form and body are given`),
  );
});

Deno.test("what JSON cannot say is refused", () => {
  assert.throws(() => encodeBody({ json: () => {} }), { name: "TypeError", message: /a function/ });
  const circle: unknown[] = [];
  circle.push(circle);
  assert.throws(() => encodeBody({ json: circle }), TypeError);
});

Deno.test("a body of another kind is refused", () => {
  const odd: unknown = 7;
  assert.throws(() => encodeBody({ body: odd as string }), /a string, bytes, FormData/);
});
