import assert from "node:assert/strict";
import { codeOf, type EndedResponse, statusOf, timeoutText } from "../../src/grpc/status.ts";

const GRPC: readonly [string, string] = ["content-type", "application/grpc"];

function ended(changes: Partial<EndedResponse>): readonly [status: string, details: string] {
  const { status, details } = statusOf({
    httpStatus: 200,
    headers: [GRPC],
    trailers: [],
    ...changes,
  });
  return [status, details];
}

Deno.test("the status is in the trailers, or in the headers of a response without messages", () => {
  assert.deepEqual(ended({ trailers: [["grpc-status", "0"]] }), ["OK", ""]);
  const lost: readonly (readonly [string, string])[] = [
    ["grpc-status", "5"],
    ["grpc-message", "no such item"],
  ];
  assert.deepEqual(ended({ trailers: lost }), ["NOT_FOUND", "no such item"]);
  assert.deepEqual(ended({ headers: [GRPC, ...lost] }), ["NOT_FOUND", "no such item"]);
  assert.deepEqual(ended({ httpStatus: 503, headers: lost }), ["NOT_FOUND", "no such item"]);
  assert.equal(codeOf("NOT_FOUND"), 5);
});

Deno.test("a message is percent-encoded, and what is malformed stays as it is", () => {
  const message = (text: string): string =>
    ended({ trailers: [["grpc-status", "2"], ["grpc-message", text]] })[1];
  assert.equal(message("50%25 f%C3%BCr %zz%"), "50% für %zz%");
  // Some servers send UTF-8 as it is; each character of a header is one byte.
  assert.equal(message("f\xc3\xbcr"), "für");
  assert.equal(message("%ff"), "\ufffd");
});

Deno.test("without a status, that of HTTP decides", () => {
  const page = (httpStatus: number): string =>
    ended({ httpStatus, headers: [["content-type", "text/html"]] })[0];
  assert.deepEqual([400, 401, 403, 404, 429, 500, 502, 503, 504].map(page), [
    "INTERNAL",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "UNIMPLEMENTED",
    "UNAVAILABLE",
    "UNKNOWN",
    "UNAVAILABLE",
    "UNAVAILABLE",
    "UNAVAILABLE",
  ]);
  assert.deepEqual(ended({ httpStatus: 502, headers: [] }), [
    "UNAVAILABLE",
    "HTTP 502 with no content type, and no grpc-status",
  ]);
  assert.deepEqual(ended({}), [
    "UNKNOWN",
    "a response with content type application/grpc, and no grpc-status",
  ]);
});

Deno.test("a status that does not exist is UNKNOWN", () => {
  for (const code of ["17", "99", "-1", "x", "", "1.0", "100"]) {
    assert.equal(ended({ trailers: [["grpc-status", code]] })[0], "UNKNOWN");
  }
});

Deno.test("a time limit has at most eight digits, and is never less than it was", () => {
  const texts = [0.5, 1, 1.2, 60_000, 99_999_999, 100_000_000, 1e12, 1e20].map(timeoutText);
  assert.deepEqual(texts, [
    "500u",
    "1m",
    "2m",
    "60000m",
    "99999999m",
    "100000S",
    "16666667M",
    "99999999H",
  ]);
});
