import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import protobuf from "protobufjs";
import {
  type CallParts,
  type EndedCall,
  messageJson,
  StreamCall,
  WholeCall,
} from "../../src/grpc/calls.ts";
import { framedMessage } from "../../src/grpc/message_frames.ts";
import { GrpcSchema } from "../../src/grpc/schema.ts";
import { RequestError } from "../../src/http/request_error.ts";
import type { BodyFlow, HeaderPairs, WireResponse } from "../../src/http/transport.ts";

const ROOT = protobuf.parse(`
  syntax = "proto3";
  message Item { string name = 1; }
  service Catalog { rpc Get(Item) returns (Item); rpc List(Item) returns (stream Item); }
`).root.resolveAll() as protobuf.Root;
const SCHEMA = new GrpcSchema(ROOT);
const ITEM = SCHEMA.method("Catalog/Get").request.encode({ name: "a" });
const MESSAGE = framedMessage(ITEM, false);
const TYPE: readonly [string, string] = ["content-type", "application/grpc"];
const OK: HeaderPairs = [["grpc-status", "0"]];

interface Given {
  readonly status?: number;
  readonly fields?: HeaderPairs;
  readonly trailers?: HeaderPairs;
  readonly body?: readonly Uint8Array[];
}

function response(
  { status = 200, fields = [TYPE], trailers = OK, body = [MESSAGE] }: Given,
): WireResponse {
  const bytes = Uint8Array.from(body.flatMap((part) => [...part]));
  return {
    ...{ status, fields, trailers, endedAt: 5, bytesReceived: bytes.length, bytesSent: 1 },
    headers: new Headers(),
    setCookies: [],
    locations: () => [],
    contentCoding: () => null,
    bytes: () => bytes,
    text: () => "",
  };
}

function parts(name: string, now = 5): CallParts {
  return {
    method: SCHEMA.method(name),
    url: new URL(`http://127.0.0.1:1/${name}`),
    headers: [],
    body: null,
    deadline: 100,
    sentAt: 0,
    counter: { retries: 0, phases: null },
    maxMessageSize: 1000,
    now: () => now,
  };
}

/** How a call has ended, as text. */
function textOf(ended: EndedCall | null, error: RequestError | null): string {
  if (error !== null) {
    return `${error.code}: ${error.message.split(" (POST")[0]!.slice(error.code.length + 2)}`;
  }
  const { status: { status, details } } = ended!;
  return details === "" ? status : `${status}: ${details}`;
}

/** Plays a response to a call with one message in each direction. */
function whole(given: Given): string {
  let text = "";
  const call = new WholeCall(parts("Catalog/Get"), {
    ended: ({ messages }, ended) => text = `${textOf(ended, null)} ${JSON.stringify(messages)}`,
    failed: (_, error) => text = textOf(null, error),
  });
  call.received(response(given));
  return text;
}

/** Plays a response to a stream, a piece for each part of the body. */
function streamed(given: Given): string[] {
  const seen: string[] = [];
  const call = new StreamCall(parts("Catalog/List"), {
    message: (_, { name }) => seen.push(String(name)),
    ended: (_, ended) => seen.push(textOf(ended, null)),
    failed: (_, error) => seen.push(textOf(null, error)),
  });
  const flow: BodyFlow = {
    pause: () => {},
    resume: () => {},
    cancel: () => {
      seen.push("cancelled");
      call.failed(new RequestError("ABORTED", "POST", "", ""));
    },
  };
  assert.ok(call.reader.begun(response({ ...given, body: [] }), flow));
  for (const piece of given.body ?? []) call.reader.piece(Uint8Array.from(piece));
  if (!call.isOver) call.received(response({ ...given, body: [] }));
  return seen;
}

const GZIP: HeaderPairs = [TYPE, ["grpc-encoding", "gzip"]];

Deno.test("a response is read by the rules of gRPC", () => {
  const cases: readonly (readonly [given: Given, text: string])[] = [
    [{}, 'OK [{"name":"a"}]'],
    [{ fields: GZIP, body: [framedMessage(gzipSync(ITEM), true)] }, 'OK [{"name":"a"}]'],
    // A server may leave a message as it is, whatever it has announced.
    [{ fields: GZIP }, 'OK [{"name":"a"}]'],
    [{ fields: [["content-type", "application/grpc+proto"]] }, 'OK [{"name":"a"}]'],
    [{ body: [] }, "BAD_RESPONSE: the status OK with 0 messages, expected one"],
    [{ body: [MESSAGE, MESSAGE] }, "BAD_RESPONSE: the status OK with 2 messages, expected one"],
    [{ body: [MESSAGE.subarray(0, 6)] }, "BAD_RESPONSE: a message that was cut off"],
    [
      { body: [new Uint8Array([9, 0, 0, 0, 0])] },
      "BAD_RESPONSE: a message that begins with the byte 9",
    ],
    [
      { body: [framedMessage(ITEM, true)] },
      "BAD_RESPONSE: a message that is compressed, with grpc-encoding missing",
    ],
    [
      { fields: [TYPE, ["grpc-encoding", "snappy"]], body: [framedMessage(ITEM, true)] },
      "BAD_RESPONSE: a message that is compressed, with grpc-encoding snappy",
    ],
    [
      { fields: GZIP, body: [framedMessage(gzipSync(new Uint8Array(5000)), true)] },
      "TOO_LARGE: a message of over 1000 bytes; maxMessageSize is that",
    ],
    [
      { fields: [["content-type", "text/html"]] },
      "BAD_RESPONSE: content type text/html, expected application/grpc",
    ],
    // Without OK, messages do not matter.
    [{ trailers: [["grpc-status", "5"]], body: [MESSAGE, MESSAGE] }, "NOT_FOUND []"],
    [{ fields: [TYPE, ["grpc-status", "7"]], trailers: [], body: [] }, "PERMISSION_DENIED []"],
    [
      { status: 503, fields: [["content-type", "text/html"]], trailers: [], body: [] },
      "UNAVAILABLE: HTTP 503 with content type text/html, and no grpc-status []",
    ],
  ];
  for (const [given, text] of cases) assert.equal(whole(given), text);
  assert.match(
    whole({ fields: GZIP, body: [framedMessage(ITEM, true)] }),
    /^BAD_RESPONSE: a message that is no gzip: /,
  );
  assert.match(
    whole({ body: [framedMessage(new Uint8Array([0x0a, 9]), false)] }),
    /^BAD_RESPONSE: the response is no message Item: /,
  );
});

Deno.test("messages of a stream are handed over as they arrive, and a wrong one ends it", () => {
  const cut = [MESSAGE.subarray(0, 2), MESSAGE.subarray(2), MESSAGE];
  assert.deepEqual(streamed({ body: cut }), ["a", "a", "OK"]);
  assert.deepEqual(streamed({ body: [MESSAGE, MESSAGE.subarray(0, 3)] }), [
    "a",
    "BAD_RESPONSE: a message that was cut off",
  ]);
  assert.deepEqual(streamed({ body: [MESSAGE, new Uint8Array([2, 0, 0, 0, 0]), MESSAGE] }), [
    "a",
    "cancelled",
    "BAD_RESPONSE: a message that begins with the byte 2",
  ]);
  const page: HeaderPairs = [["content-type", "text/html"]];
  assert.deepEqual(streamed({ status: 502, fields: page, trailers: [], body: [MESSAGE] }), [
    "UNAVAILABLE: HTTP 502 with content type text/html, and no grpc-status",
  ]);
});

Deno.test("a call that is cut off at its deadline, or reset after it, has a status", () => {
  const endOf = (code: "TIMEOUT" | "ECONNRESET", now: number): string => {
    let text = "";
    const call = new WholeCall(parts("Catalog/Get", now), {
      ended: (_, ended) => text = textOf(ended, null),
      failed: (_, error) => text = error.code,
    });
    call.failed(new RequestError(code, "POST", "", ""));
    return text;
  };
  const expired = "DEADLINE_EXCEEDED: the call has not ended in time";
  assert.equal(endOf("TIMEOUT", 101), expired);
  assert.equal(endOf("ECONNRESET", 101), expired);
  assert.equal(endOf("ECONNRESET", 99), "ECONNRESET");
});

Deno.test("messages are shown as JSON, whatever their values were given as", () => {
  const message = { id: 2n ** 60n, key: new Uint8Array([1, 2]), stock: new Map([[1, { a: 2n }]]) };
  assert.equal(
    messageJson(message),
    '{"id":"1152921504606846976","key":"AQI=","stock":{"1":{"a":"2"}}}',
  );
});
