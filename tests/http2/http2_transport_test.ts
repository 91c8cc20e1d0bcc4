import { Http2Transport } from "../../src/http2/http2_transport.ts";
import { testTransport } from "../http/transport_contract.ts";
import { TRANSPORT_SETTINGS } from "../support/transport_settings.ts";

/** Rows of the contract whose servers write responses of HTTP/1.1 themselves. */
const OVER_HTTP1 = [
  "headers arrive in the order in which they were given",
  "responses to HEAD, 204 and 304 have no body",
  "interim responses are skipped",
  "own headers replace those that aiotest adds",
  "a GET can have a body",
  "a Location in UTF-8, or any other charset, is escaped byte by byte",
  "several Location headers: equal ones are one, empty ones are none",
  "no connection is opened before the first request",
  "a closed connection is not reused",
  "a body without length ends with its connection",
  ...["\\r\\n", "\\n", "\\r\\n\\r\\n"].map((lines) =>
    `a response after the empty lines "${lines}" is complete`
  ),
  "a POST is not sent again when a kept connection ends",
  "a closed session closes its connections",
  "a batch that is cut off counts what it has sent as unfinished",
  "a truncated body: INCOMPLETE_BODY",
  "a body that is cut off was handed over as far as it arrived",
  "certificates: TLS_EXPIRED, TLS_HOSTNAME, TLS_UNTRUSTED",
  "no client certificate where one is required: TLS_CLIENT_CERT; TLSv1.3",
  "no client certificate where one is required: TLS_CLIENT_CERT; TLSv1.2",
  "no response, half a head or half a body in time: TIMEOUT",
  "plain HTTP to a TLS port: BAD_RESPONSE",
  "a head, chunk extensions or trailers that never end are an error",
  "requests aborted because their user stops are unfinished",
  "a renewed session has no cookies, and closes its connections at once",
  "pending requests of a closed session never settle, and are unfinished",
  "requests pending while a session is renewed never settle, are unfinished, and leave no cookies",
];

testTransport({
  name: "HTTP/2 engine",
  create: (clock, node) =>
    new Http2Transport(clock, node, { ...TRANSPORT_SETTINGS, tls: node.options.tls }, null, null),
  cannot: {
    ...Object.fromEntries(OVER_HTTP1.map((title) => [title, "its server speaks HTTP/1.1"])),
    "simultaneous requests have their own connections": "they share one",
    "a body is sent in chunks if Transfer-Encoding says so": "HTTP/2 has no chunks",
  },
});
