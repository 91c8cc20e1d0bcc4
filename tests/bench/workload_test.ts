import assert from "node:assert/strict";
import { ResponseReader, type Workload, workloadOf } from "../../bench/loops/workload.ts";

const URL_OF_TARGET = new URL("http://127.0.0.1:8000/orders");
const encoder = new TextEncoder();

function response(body: string, status = 200): Uint8Array<ArrayBuffer> {
  return encoder.encode(`HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** What a reader says to each part. */
function take(reader: ResponseReader, parts: readonly Uint8Array[]): (boolean | null)[] {
  return parts.map((part) => {
    const buffer = new Uint8Array(1000);
    buffer.set(part);
    return reader.take(buffer, part.length);
  });
}

Deno.test("a response is complete when its last byte has arrived", () => {
  const all = response('{"a":1}');
  for (let cut = 1; cut < all.length; cut++) {
    const reader = new ResponseReader(workloadOf("get", URL_OF_TARGET));
    const parts = [all.subarray(0, cut), all.subarray(cut), all, all];
    assert.deepEqual(take(reader, parts), [null, true, true, true], `cut at ${cut}`);
  }
});

Deno.test("a status other than 2xx is a failure", () => {
  const reader = new ResponseReader(workloadOf("get", URL_OF_TARGET));
  assert.deepEqual(take(reader, [response("no", 503)]), [false]);
});

Deno.test("a POST sends JSON with its length, and parses the answer", () => {
  const workload: Workload = workloadOf("post", URL_OF_TARGET);
  const [head, body] = new TextDecoder().decode(workload.request()).split("\r\n\r\n");
  assert.match(head!, /^POST \/orders HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8000\r\n/);
  assert.equal(Number(/content-length: (\d+)/.exec(head!)![1]), body!.length);
  assert.equal(JSON.parse(body!).items.length, 34);
  const reader = new ResponseReader(workload);
  assert.deepEqual(take(reader, [response('{"a":1}')]), [true]);
  assert.throws(() => take(new ResponseReader(workload), [response("not JSON")]), SyntaxError);
});
