import assert from "node:assert/strict";
import { decodeText } from "../../src/http/decoding.ts";
import { CheckResult, HttpResponse } from "../../src/http/http_response.ts";
import { ExchangePhases, type WireResponse } from "../../src/http/transport.ts";

function response(
  status: number,
  body: string,
  check: CheckResult | null = null,
  phases: ExchangePhases | null = null,
): HttpResponse {
  const wire: WireResponse = {
    status,
    headers: new Headers(),
    setCookies: [],
    locations: () => [],
    contentCoding: () => null,
    bytesReceived: body.length,
    bytesSent: 0,
    endedAt: 0,
    bytes: () => new TextEncoder().encode(body),
    text: () => decodeText(new TextEncoder().encode(body), null),
  };
  return new HttpResponse(wire, new URL("http://127.0.0.1/"), false, 1.5, phases, check, {
    check: (_, ok) => Boolean(ok),
  });
}

Deno.test("ok is 200 to 299", () => {
  const oks = [199, 200, 204, 299, 300, 404].map((status) => response(status, "").ok);
  assert.deepEqual(oks, [false, true, true, true, false, false]);
});

Deno.test("a plain response spent all of its time waiting for the first byte", () => {
  const timings = { dnsMs: 0, connectMs: 0, tlsMs: 0, ttfbMs: 1.5, downloadMs: 0 };
  assert.deepEqual(response(200, "").timings, timings);
});

Deno.test("the timings of a response are the sums over its redirects, and 0 for what did not happen", () => {
  const phases = new ExchangePhases();
  const timings = (): unknown => response(200, "", null, phases).timings;
  const none = { dnsMs: 0, connectMs: 0, tlsMs: 0, ttfbMs: 0, downloadMs: 0 };
  assert.deepEqual(timings(), none);
  phases.addConnection(-1, 2, -1);
  phases.addResponse(4, 0);
  assert.deepEqual(timings(), { ...none, connectMs: 2, ttfbMs: 4 });
  phases.addConnection(1, 3, 8);
  phases.addResponse(5, 7);
  assert.deepEqual(timings(), { dnsMs: 1, connectMs: 5, tlsMs: 8, ttfbMs: 9, downloadMs: 7 });
  assert.equal(phases.opened, 2);
});

Deno.test("text and json skip a byte order mark", async () => {
  assert.equal(await response(200, "\ufeffü").text(), "ü");
  assert.deepEqual(await response(200, "\ufeff[1]").json(), [1]);
  await assert.rejects(response(200, "<html>").json(), SyntaxError);
});

Deno.test("a failure's label is its reason on one line", () => {
  const check = new CheckResult(null);
  response(200, "", check).failure("no token\nin the answer");
  assert.equal(check.close(), "no token in the answer");
});

Deno.test("a check that throws keeps the status that had failed", () => {
  const thrown = new Error("Expected values to be equal:\n\n3 !== 4");
  const failed = new CheckResult("HTTP 404");
  failed.checkThrew(thrown);
  assert.equal(failed.close(), "HTTP 404: Expected values to be equal: 3 !== 4");
  const passed = new CheckResult(null);
  passed.checkThrew(thrown);
  assert.equal(passed.close(), "Expected values to be equal: 3 !== 4");
});

Deno.test("success and failure throw without a check and after its end", () => {
  assert.throws(() => response(200, "").success(), /only in its check/);
  const check = new CheckResult("HTTP 500");
  assert.equal(check.close(), "HTTP 500");
  assert.throws(() => response(500, "", check).success(), /already been counted/);
  assert.equal(check.close(), "HTTP 500");
});
