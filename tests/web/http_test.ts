import assert from "node:assert/strict";
import { type JsonBody, readJsonBody } from "../../src/web/http.ts";
import { FakeClock } from "../support/fake_clock.ts";

function read(body: BodyInit | null, type = "application/json"): Promise<JsonBody> {
  const headers = { "Content-Type": type };
  return readJsonBody(
    new Request("http://x/", { method: "POST", headers, body }),
    new FakeClock(),
  );
}

async function statusOf(body: BodyInit | null, type?: string): Promise<number | null> {
  const result = await read(body, type);
  return "problem" in result ? result.problem.status : null;
}

Deno.test("a JSON object of up to 4 KiB is accepted", async () => {
  assert.deepEqual(await read('{"users":1}'), { value: { users: 1 } });
  const longest = `{"a":"${"x".repeat(4096 - 8)}"}`;
  assert.equal(longest.length, 4096);
  assert.equal(await statusOf(longest), null);
  assert.equal(await statusOf(`${longest} `), 413);
});

Deno.test("an endless body is not read beyond the limit", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller): void {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
  });
  assert.equal(await statusOf(endless), 413);
  assert.ok(sent <= 8192, `${sent} bytes were read`);
});

Deno.test("a body that does not arrive times out after ten seconds", async () => {
  const clock = new FakeClock();
  const body = new ReadableStream<Uint8Array>();
  const headers = { "Content-Type": "application/json" };
  const reading = readJsonBody(
    new Request("http://x/", { method: "POST", headers, body }),
    clock,
  );
  await clock.advance(10_000);
  assert.deepEqual(await reading, {
    problem: { status: 400, error: "The body is not a JSON object." },
  });
  assert.equal(clock.pending, 0);
});

Deno.test("a body that is not a JSON object is rejected", async () => {
  for (
    const body of [null, "", "{", "[]", "1", "null", '"x"', new Uint8Array([0x7b, 0xff, 0x7d])]
  ) {
    assert.equal(await statusOf(body), 400, String(body));
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
    assert.equal(await statusOf("{}", type), 415, type);
  }
});
