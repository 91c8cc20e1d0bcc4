import assert from "node:assert/strict";
import { type FetchFailure, fetchFailure, FetchTransport } from "../../src/http/fetch_transport.ts";
import { testTransport } from "./transport_contract.ts";

testTransport({
  name: "fetch",
  create: (clock, node, caCerts) => new FetchTransport(clock, node.deadlines, caCerts),
  cannot: {
    "a GET can have a body": "fetch refuses it, and the request is BAD_REQUEST",
    "a POST is not sent again when a kept connection ends":
      "fetch sends it again by itself and does not say so",
    "an invalid chunk size: BAD_RESPONSE": "fetch does not tell it from a body that breaks off",
    "for gzip of unknown length, the size on the wire is counted":
      "fetch hides what it has decoded",
  },
});

async function failureOf(
  url: string,
  options: Deno.CreateHttpClientOptions,
): Promise<FetchFailure> {
  using client = Deno.createHttpClient(options);
  const error: unknown = await fetch(url, { client }).catch((error: unknown) => error);
  return fetchFailure(error, false);
}

// Errors that a server can cause are part of the transports' contract. Here are the others.

Deno.test("a local address that the machine does not have is EADDRNOTAVAIL", async () => {
  const { code, detail } = await failureOf("http://127.0.0.1:65000/", {
    localAddress: "203.0.113.1",
  });
  assert.equal(code, "EADDRNOTAVAIL");
  assert.match(detail, /^tcp bind local error: Cannot assign requested address/);
});

Deno.test("the error numbers of all systems are recognized", () => {
  const codes = ["61", "10061", "54", "10054", "49", "10049", "60", "10060"].map((number) => {
    const cause = new Error(
      `client error (Connect): tcp connect error: words (os error ${number})`,
    );
    return fetchFailure(new TypeError("fetch failed", { cause }), false).code;
  });
  assert.deepEqual(codes, [
    ...Array(2).fill("ECONNREFUSED"),
    ...Array(2).fill("ECONNRESET"),
    ...Array(2).fill("EADDRNOTAVAIL"),
    ...Array(2).fill("CONNECT_TIMEOUT"),
  ]);
});

Deno.test("an unknown error gets the code of its phase", () => {
  const code = (cause: string): string =>
    fetchFailure(new TypeError("fetch failed", { cause: new Error(cause) }), false).code;
  assert.equal(code("client error (Connect): tcp connect error: odd"), "ECONNREFUSED");
  assert.equal(code("client error (Connect): odd"), "TLS");
  assert.equal(code("client error (SendRequest): odd"), "ECONNRESET");
  assert.equal(fetchFailure("odd", false).code, "BAD_REQUEST");
  assert.equal(fetchFailure(new TypeError("odd"), true).code, "BAD_ENCODING");
});
