import assert from "node:assert/strict";
import { CheckResult, HttpResponse } from "../../src/http/http_response.ts";
import type { WireResponse } from "../../src/http/transport.ts";

function response(status: number, body: string, check: CheckResult | null = null): HttpResponse {
  const wire: WireResponse = {
    status,
    headers: new Headers(),
    setCookies: [],
    bytesReceived: body.length,
    bytesSent: 0,
    endedAt: 0,
    bytes: () => new TextEncoder().encode(body),
  };
  return new HttpResponse(wire, new URL("http://127.0.0.1/"), false, 1.5, check);
}

Deno.test("ok is 200 to 299", () => {
  const oks = [199, 200, 204, 299, 300, 404].map((status) => response(status, "").ok);
  assert.deepEqual(oks, [false, true, true, true, false, false]);
});

Deno.test("text and json skip a byte order mark", async () => {
  assert.equal(await response(200, "\ufeffü").text(), "ü");
  assert.deepEqual(await response(200, "\ufeff[1]").json(), [1]);
  await assert.rejects(response(200, "<html>").json(), SyntaxError);
});

Deno.test("a failure's label is the first line of its reason", () => {
  const check = new CheckResult(null);
  response(200, "", check).failure("no token\nin the answer");
  assert.equal(check.close(), "no token");
});

Deno.test("success and failure throw without a check and after its end", () => {
  assert.throws(() => response(200, "").success(), /only in its check/);
  const check = new CheckResult("HTTP 500");
  assert.equal(check.close(), "HTTP 500");
  assert.throws(() => response(500, "", check).success(), /already been counted/);
  assert.equal(check.close(), "HTTP 500");
});
