import assert from "node:assert/strict";
import { VERSION } from "../../src/core/version.ts";
import { Proxies } from "../../src/http/proxies.ts";
import {
  encodeHead,
  encodeRequest,
  type RequestHead,
  requestTarget,
} from "../../src/http/request_encoder.ts";
import { WireError } from "../../src/http/request_error.ts";
import type { HeaderPairs, WireBody, WireRequest } from "../../src/http/transport.ts";
import { textOf } from "./parser_outcome.ts";

const GET: RequestHead = {
  method: "GET",
  target: "/a?b=c",
  headers: [],
  authority: "[::1]:8080",
  body: "none",
};

function linesOf(request: Partial<RequestHead>): string[] {
  const text = textOf(encodeHead({ ...GET, ...request }));
  assert.ok(text.endsWith("\r\n\r\n"));
  return text.slice(0, -4).split("\r\n");
}

/** The lines of a head without the default ones. */
function linesOwn(request: Partial<RequestHead>): string[] {
  const always = linesOf({});
  return linesOf(request).filter((line) => !always.includes(line));
}

Deno.test("a request without headers gets the default headers", () => {
  assert.deepEqual(linesOf({}), [
    "GET /a?b=c HTTP/1.1",
    "Host: [::1]:8080",
    "Accept: */*",
    "Accept-Encoding: gzip, deflate, br",
    `User-Agent: aiotest/${VERSION}`,
  ]);
});

Deno.test("headers keep their order and case, and replace the default ones in any case", () => {
  const headers = [
    ["x-b", "1"],
    ["USER-AGENT", "me"],
    ["X-A", ""],
    ["accept-encoding", "identity"],
    ["Accept", "text/html"],
    ["x-b", "caf\xe9\t"],
    ["hOST", "other"],
  ] as const;
  assert.deepEqual(linesOf({ headers }), [
    "GET /a?b=c HTTP/1.1",
    "x-b: 1",
    "USER-AGENT: me",
    "X-A: ",
    "accept-encoding: identity",
    "Accept: text/html",
    "x-b: caf\xe9\t",
    "hOST: other",
  ]);
});

Deno.test("a head has one framing of the body", () => {
  const headers = [["content-LENGTH", "7"], ["Transfer-encoding", "gzip, chunked"]] as const;
  for (const given of [[], headers]) {
    assert.deepEqual(linesOwn({ headers: given }), []);
    assert.deepEqual(linesOwn({ headers: given, body: { length: 0 } }), ["Content-Length: 0"]);
    assert.deepEqual(linesOwn({ headers: given, body: { length: 12 } }), ["Content-Length: 12"]);
    assert.deepEqual(linesOwn({ headers: given, body: "chunked" }), ["Transfer-Encoding: chunked"]);
  }
});

Deno.test("POST, PUT and PATCH without a body send Content-Length: 0", () => {
  for (const method of ["POST", "PUT", "PATCH"]) {
    assert.deepEqual(linesOwn({ method }), [`${method} /a?b=c HTTP/1.1`, "Content-Length: 0"]);
  }
  for (const method of ["DELETE", "HEAD", "OPTIONS", "M-SEARCH"]) {
    assert.deepEqual(linesOwn({ method }), [`${method} /a?b=c HTTP/1.1`]);
  }
});

Deno.test("targets can be absolute URLs or authorities", () => {
  for (const target of ["http://a.example/b?c", "a.example:443", "*"]) {
    assert.deepEqual(linesOwn({ target }), [`GET ${target} HTTP/1.1`]);
  }
});

Deno.test("characters that cannot be sent are refused", () => {
  const bad: Partial<RequestHead>[] = [
    ...["", "GE T", "GET\r\n", "G\xcbT", "G/T"].map((method) => ({ method })),
    ...["", "/a b", "/a\r\nb: c", "/\0", "/\xe4", "/\u20ac", "/\x7f", "/\t"]
      .map((target) => ({ target })),
    ...["", "a b", "a\r\nb", "\xe4"].map((authority) => ({ authority })),
    ...["", "a b", "a:", "a\r\nb", "\xe4", "\u0161", "content-length "]
      .map((name) => ({ headers: [[name, "x"] as const] })),
    ...["a\r\nb: c", "a\n", "\r", "\0", "\u20ac"]
      .flatMap((value) =>
        ["a", "content-length"].map((name) => ({ headers: [[name, value] as const] }))
      ),
  ];
  for (const request of bad) {
    assert.throws(
      () => encodeHead({ ...GET, ...request }),
      (error) => error instanceof WireError && error.code === "BAD_REQUEST",
      JSON.stringify(request),
    );
  }
});

Deno.test("an error names the invalid part", () => {
  assert.throws(
    () => encodeHead({ ...GET, headers: [["X-Name", "a\nb"]] }),
    new WireError("BAD_REQUEST", 'the value of X-Name contains "\\n", which cannot be sent'),
  );
});

Deno.test("a request without a body is encoded once for the same headers", () => {
  const url = new URL("http://127.0.0.1:8000/a");
  const target = requestTarget(url, new Proxies(() => undefined));
  const encode = (headers: HeaderPairs) =>
    encodeRequest(
      { method: "GET", url, headers, body: null } as unknown as WireRequest,
      target,
      true,
    );
  const ofClass: HeaderPairs = [["accept-language", "de"]];
  const first = encode(ofClass);
  assert.ok(textOf(first.bytes).includes("accept-language: de\r\n"));
  assert.equal(encode(ofClass), first);
  assert.equal(encode([["accept-language", "de"]]), first);
  assert.notEqual(encode([["accept-language", "fr"]]), first);
});

Deno.test("requests to one URL do not share what differs between them", () => {
  const url = new URL("http://127.0.0.1:8000/a");
  const target = requestTarget(url, new Proxies(() => undefined));
  const json: HeaderPairs = [["content-type", "application/json"]];
  const body = (text: string): WireBody => new TextEncoder().encode(text);
  const requests: readonly (readonly [string, HeaderPairs, WireBody])[] = [
    ["POST", json, body("[1]")],
    ["POST", json, body("[100000]")],
    ["PUT", json, body("[2]")],
    ["PUT", json, null],
    ["PUT", [...json, ["Expect", "100-continue"]], body("[3]")],
    ["PUT", [...json, ["Expect", "100-continue"]], null],
    ["PUT", [["content-type", "text/plain"]], body("[4]")],
    ["PUT", [["content-typo", "text/plain"]], body("[5]")],
    ["PUT", [["content-typo", "text/plain"]], new ReadableStream()],
    ["PUT", [["content-typo", "text/plain"]], new Uint8Array(100_000)],
    ["GET", [], null],
    ["HEAD", [], null],
    ["POST", [], null],
  ];
  // Twice, as the second request finds what the first one has left.
  for (const [method, headers, body] of requests.flatMap((one) => [one, one])) {
    const encoded = encodeRequest({ method, url, headers, body } as WireRequest, target, true);
    const expects = body !== null && headers.some(([name]) => name === "Expect");
    const isBytes = body instanceof Uint8Array;
    const head = textOf(encodeHead({
      ...{ method, target: "/a", headers, authority: "127.0.0.1:8000" },
      body: body === null ? "none" : isBytes ? body : "chunked",
    }));
    const follows = isBytes && !expects && body.length < 16_384 ? textOf(body) : "";
    assert.equal(textOf(encoded.bytes), head + follows);
    assert.deepEqual(
      [encoded.method, encoded.bodyInBytes, encoded.body, encoded.expectsContinue],
      [method, follows.length, follows === "" ? body : null, expects],
    );
  }
});

Deno.test("a request closes its connection if Connection says so, or, to a proxy, Proxy-Connection", () => {
  const url = new URL("http://127.0.0.1:8000/a");
  const closes = (proxy: string | undefined, keepAlive: boolean, ...headers: string[]): boolean => {
    const pairs = headers.map((line) => line.split(": ") as [string, string]);
    const request = { method: "GET", url, headers: pairs, body: null } as unknown as WireRequest;
    const target = requestTarget(url, new Proxies(() => proxy));
    return encodeRequest(request, target, keepAlive).closes;
  };
  const proxy = "http://127.0.0.1:3128";
  assert.ok(closes(undefined, true, "Connection: x, Close"));
  assert.ok(closes(proxy, true, "proxy-connection: CLOSE"));
  assert.ok(!closes(undefined, true, "Proxy-Connection: close"));
  assert.ok(!closes(proxy, true, "Proxy-Connection: keep-alive"));
  assert.ok(!closes(proxy, true, "Connection: Upgrade", "Upgrade: h2c"));
  assert.ok(!closes(undefined, true));
  assert.ok(closes(undefined, false));
  assert.ok(closes(undefined, false, "Connection: keep-alive"));
});
