import assert from "node:assert/strict";
import { eventBytes, openEventStream } from "../../src/web/feed.ts";

const MIB = 1024 * 1024;

Deno.test("an event is one of text/event-stream's", () => {
  const text = new TextDecoder().decode(eventBytes("log", '{"a":"ü\\n"}'));
  assert.equal(text, 'event: log\ndata: {"a":"ü\\n"}\n\n');
});

Deno.test("what is sent comes in its order, and ends when the stream is closed", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (const text of ["a", "b", "c"]) stream.send(new TextEncoder().encode(text));
  stream.close();
  stream.close();
  stream.send(new TextEncoder().encode("d"));
  assert.equal(await new Response(stream.body).text(), "abc");
  assert.equal(ends, 1);
});

Deno.test("a client that goes away is told of once, and sent nothing more", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  await stream.body.cancel();
  stream.send(new Uint8Array(1));
  stream.close();
  assert.equal(ends, 1);
});

Deno.test("a client that does not read is cut off once 8 MiB wait for it", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (let count = 0; count < 8; count++) stream.send(new Uint8Array(MIB));
  assert.equal(ends, 0);
  stream.send(new Uint8Array(1));
  assert.equal(ends, 1);
  await assert.rejects(new Response(stream.body).bytes(), /the client does not read/);
});

Deno.test("an event that is longer by itself is sent all the same", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  stream.send(new Uint8Array(20 * MIB));
  assert.equal(ends, 0);
  const reader = stream.body.getReader();
  assert.equal((await reader.read()).value!.length, 20 * MIB);
  stream.send(new Uint8Array(MIB));
  assert.equal((await reader.read()).value!.length, MIB);
  stream.close();
  assert.equal((await reader.read()).done, true);
});
