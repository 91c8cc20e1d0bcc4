import assert from "node:assert/strict";
import { ERROR, FLAG, FRAME, SETTING } from "../../src/http2/frames.ts";
import type { BodyReader } from "../../src/http/transport.ts";
import { settle } from "../support/fake_clock.ts";
import { bytesOf, Http2Scene, ServerFrames } from "../support/http2_peer.ts";
import { numbers } from "../support/mutations.ts";
import { lengthOf } from "../support/nightly.ts";

const START = ["settings 0", "windowUpdate 0 1073676288"];

Deno.test("a connection begins with the preface, settings and a large window", async () => {
  const scene = new Http2Scene();
  assert.deepEqual(await scene.sent(), START);
  scene.receive(scene.server.settings());
  assert.deepEqual(await scene.sent(), ["settings 0 ack"]);
});

Deno.test("requests are streams, and are answered in any order", async () => {
  const scene = new Http2Scene();
  scene.request("/a");
  scene.request("/b", { method: "POST", body: new TextEncoder().encode("new") });
  assert.deepEqual(await scene.sent(), [
    ...START,
    "headers 1 end GET /a",
    "headers 3 POST /b",
    "data 3 end new",
  ]);
  const { server } = scene;
  scene.receive(bytesOf(server.settings(), server.response(3, "b"), server.response(1, "a")));
  assert.deepEqual(scene.outcomes, ["POST /b 200 b", "GET /a 200 a"]);
});

/** Everything that a response can consist of. */
function rich(server: ServerFrames): Uint8Array {
  const padded = new TextEncoder().encode("\x03padded\0\0\0");
  return bytesOf(
    server.settings([[SETTING.maxConcurrentStreams, 100], [99, 1]]),
    server.headers(1, [[":status", "103"], ["link", "</style.css>"]]),
    server.raw(FRAME.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    server.headers(1, [[":status", "200"], ["x-long", "long".repeat(20)]], 0, 30),
    server.raw(77, 0xff, 1, [1, 2, 3]),
    server.data(1, "one "),
    server.raw(FRAME.priority, 0, 1, [0, 0, 0, 0, 1]),
    server.raw(FRAME.data, FLAG.padded, 1, padded),
    server.data(1, ""),
    server.number(FRAME.windowUpdate, 0, 1000),
    server.number(FRAME.windowUpdate, 1, 1000),
    server.headers(1, [["grpc-status", "0"]], FLAG.endStream),
  );
}

Deno.test("a response may be cut anywhere", async () => {
  const { length } = rich(new ServerFrames());
  for (const step of [1, 2, 3, 5, 8, 9, 10, 17, length]) {
    const scene = new Http2Scene();
    scene.request();
    scene.receive(rich(scene.server), step);
    assert.deepEqual(scene.outcomes, ["GET / 200 one padded"], `in steps of ${step}`);
    assert.deepEqual((await scene.sent()).slice(3), ["settings 0 ack", "ping 0 ack"]);
  }
});

/** What a server does wrong, and how the exchange ends; with `GOAWAY` if the whole connection does. */
const WRONG:
  readonly (readonly [title: string, play: (server: ServerFrames) => Uint8Array, end: string])[] = [
    [
      "HTTP/1.1",
      () => new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "GOAWAY 1 the server answers in HTTP/1.1, not in HTTP/2",
    ],
    [
      "no HTTP at all",
      () => new TextEncoder().encode("220 mail.test ESMTP\r\n"),
      'GOAWAY 1 not HTTP/2: the server starts with "220"',
    ],
    ["no settings first", (s) => s.response(1), "GOAWAY 1 the first frame is no SETTINGS frame"],
    [
      "an acknowledgement first",
      (s) => s.raw(FRAME.settings, FLAG.ack, 0, []),
      "GOAWAY 1 the first frame acknowledges settings",
    ],
    [
      "settings of a stream",
      (s) => s.raw(FRAME.settings, 0, 1, []),
      "GOAWAY 1 a SETTINGS frame on a stream",
    ],
    [
      "settings of a wrong length",
      (s) => s.raw(FRAME.settings, 0, 0, [0]),
      "GOAWAY 6 SETTINGS of 1 bytes",
    ],
    [
      "an acknowledgement with settings",
      (s) => bytesOf(s.settings(), s.raw(FRAME.settings, FLAG.ack, 0, [0, 0, 0, 0, 0, 0])),
      "GOAWAY 6 a SETTINGS frame of 6 bytes",
    ],
    [
      "push switched on",
      (s) => s.settings([[SETTING.enablePush, 1]]),
      "GOAWAY 1 a server that allows itself to push",
    ],
    [
      "an initial window that is too large",
      (s) => s.settings([[SETTING.initialWindowSize, 2 ** 31]]),
      "GOAWAY 3 an initial window of 2147483648 bytes",
    ],
    [
      "a frame size that is too small",
      (s) => s.settings([[SETTING.maxFrameSize, 16_383]]),
      "GOAWAY 1 frames of 16383 bytes",
    ],
    [
      "a frame that is too large",
      (s) => bytesOf(s.settings(), s.raw(FRAME.data, 0, 1, new Uint8Array(16_385))),
      "GOAWAY 6 a frame of 16385 bytes",
    ],
    [
      "a pushed response",
      (s) =>
        bytesOf(s.settings(), s.raw(FRAME.pushPromise, FLAG.endHeaders, 1, [0, 0, 0, 2, 0x88])),
      "GOAWAY 1 a PUSH_PROMISE frame, although push is switched off",
    ],
    [
      "a PING of a stream",
      (s) => bytesOf(s.settings(), s.raw(FRAME.ping, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0])),
      "GOAWAY 1 a PING frame on a stream",
    ],
    [
      "a PING that is too short",
      (s) => bytesOf(s.settings(), s.raw(FRAME.ping, 0, 0, [0])),
      "GOAWAY 6 a PING frame of 1 bytes",
    ],
    [
      "a GOAWAY that is too short",
      (s) => bytesOf(s.settings(), s.raw(FRAME.goAway, 0, 0, [0])),
      "GOAWAY 6 a GOAWAY frame that is short",
    ],
    [
      "a GOAWAY of a stream",
      (s) => bytesOf(s.settings(), s.raw(FRAME.goAway, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0])),
      "GOAWAY 1 a GOAWAY frame on a stream",
    ],
    [
      "a PRIORITY that is too short",
      (s) => bytesOf(s.settings(), s.raw(FRAME.priority, 0, 1, [0])),
      "GOAWAY 6 a PRIORITY frame of 1 bytes",
    ],
    [
      "a window that does not grow",
      (s) => bytesOf(s.settings(), s.number(FRAME.windowUpdate, 0, 0)),
      "GOAWAY 1 a window that grows by nothing",
    ],
    [
      "a window that is too large",
      (s) => bytesOf(s.settings(), s.number(FRAME.windowUpdate, 0, 2 ** 31 - 1)),
      "GOAWAY 3 a window that is too large",
    ],
    [
      "a stream's window that does not grow",
      (s) => bytesOf(s.settings(), s.number(FRAME.windowUpdate, 1, 0)),
      "a window that grows by nothing",
    ],
    [
      "a stream's window that is too large",
      (s) => bytesOf(s.settings(), s.number(FRAME.windowUpdate, 1, 2 ** 31 - 1)),
      "a window that is too large",
    ],
    [
      "a stream that was not started",
      (s) => bytesOf(s.settings(), s.response(3)),
      "GOAWAY 1 a HEADERS frame on stream 3",
    ],
    [
      "a stream of the server",
      (s) => bytesOf(s.settings(), s.response(2)),
      "GOAWAY 1 a HEADERS frame on stream 2",
    ],
    [
      "data without a stream",
      (s) => bytesOf(s.settings(), s.data(0, "x")),
      "GOAWAY 1 a DATA frame on no stream",
    ],
    [
      "a reset of a stream that was not started",
      (s) => bytesOf(s.settings(), s.number(FRAME.reset, 5, 0)),
      "GOAWAY 1 a RST_STREAM frame on stream 5",
    ],
    [
      "a reset that is too long",
      (s) => bytesOf(s.settings(), s.raw(FRAME.reset, 0, 1, [0, 0, 0, 0, 0])),
      "GOAWAY 6 a RST_STREAM frame of 5 bytes",
    ],
    [
      "padding over the end",
      (s) => bytesOf(s.settings(), s.raw(FRAME.data, FLAG.padded, 1, [2, 0])),
      "GOAWAY 1 padding that is longer than its frame",
    ],
    [
      "padding of an empty frame",
      (s) => bytesOf(s.settings(), s.raw(FRAME.headers, FLAG.padded | FLAG.endHeaders, 1, [])),
      "GOAWAY 1 padding that is longer than its frame",
    ],
    [
      "headers with half a priority",
      (s) =>
        bytesOf(s.settings(), s.raw(FRAME.headers, FLAG.priority | FLAG.endHeaders, 1, [0, 0])),
      "GOAWAY 6 a HEADERS frame that is too short",
    ],
    [
      "a frame inside a block",
      (s) => bytesOf(s.settings(), s.raw(FRAME.headers, 0, 1, [0x88]), s.data(1, "x")),
      "GOAWAY 1 another frame inside a block of headers",
    ],
    [
      "a continuation of nothing",
      (s) => bytesOf(s.settings(), s.raw(FRAME.continuation, FLAG.endHeaders, 1, [0x88])),
      "GOAWAY 1 a CONTINUATION frame that continues nothing",
    ],
    [
      "a continuation of another stream",
      (s) =>
        bytesOf(
          s.settings(),
          s.raw(FRAME.headers, 0, 1, [0x88]),
          s.raw(FRAME.continuation, FLAG.endHeaders, 3, []),
        ),
      "GOAWAY 1 a CONTINUATION frame that continues nothing",
    ],
    [
      "endless continuations",
      (s) =>
        bytesOf(
          s.settings(),
          s.raw(FRAME.headers, 0, 1, [0x88]),
          ...Array.from({ length: 100 }, () => s.raw(FRAME.continuation, 0, 1, [])),
        ),
      "GOAWAY 11 a block of headers that is too large",
    ],
    [
      "invalid HPACK",
      (s) => bytesOf(s.settings(), s.raw(FRAME.headers, FLAG.endHeaders, 1, [0x80])),
      "GOAWAY 9 invalid headers: index 0",
    ],
    [
      "headers that are too large",
      (s) =>
        bytesOf(
          s.settings(),
          s.response(
            1,
            "",
            Array.from({ length: 60 }, (_, i) => [`x-${i}`, "y".repeat(1100)] as const),
          ),
        ),
      "the headers have more than 65536 bytes",
    ],
    [
      "no status",
      (s) => bytesOf(s.settings(), s.headers(1, [["server", "x"]])),
      "a response without a status",
    ],
    [
      "a status of four digits",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "2000"]])),
      'the status "2000"',
    ],
    [
      "two statuses",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], [":status", "200"]])),
      'a second status, or ":status"',
    ],
    [
      "a pseudo-header of requests",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], [":path", "/"]])),
      'a second status, or ":path"',
    ],
    [
      "a name in upper case",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], ["Server", "x"]])),
      '"Server" is not the name of a header',
    ],
    [
      "a name with a space",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], ["a b", "x"]])),
      '"a b" is not the name of a header',
    ],
    [
      "a value with a line break",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], ["a", "x\r\ny"]])),
      "the value of a has a forbidden character",
    ],
    [
      "a header of connections",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"], ["connection", "close"]])),
      "the header connection, which is of HTTP/1.1",
    ],
    [
      "two lengths",
      (s) =>
        bytesOf(
          s.settings(),
          s.headers(1, [[":status", "200"], ["content-length", "1"], ["content-length", "2"]]),
        ),
      'the content length "2"',
    ],
    [
      "status 101",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "101"]])),
      "the status 101",
    ],
    [
      "an interim response that ends the stream",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "100"]], FLAG.endStream)),
      "an interim response without another",
    ],
    [
      "a body before its headers",
      (s) => bytesOf(s.settings(), s.data(1, "x", FLAG.endStream)),
      "a body before its headers",
    ],
    [
      "a body that is too short",
      (s) => bytesOf(s.settings(), s.response(1, "abc", [["content-length", "4"]])),
      "the body has 3 bytes, its headers say 4",
    ],
    [
      "a body that is too long",
      (s) => bytesOf(s.settings(), s.response(1, "abcde", [["content-length", "4"]])),
      "the body has 5 bytes, its headers say 4",
    ],
    [
      "trailers in the middle",
      (s) => bytesOf(s.settings(), s.headers(1, [[":status", "200"]]), s.headers(1, [["a", "b"]])),
      "trailers that do not end the response",
    ],
    [
      "a status in trailers",
      (s) =>
        bytesOf(
          s.settings(),
          s.headers(1, [[":status", "200"]]),
          s.headers(1, [[":status", "200"]], FLAG.endStream),
        ),
      'a second status, or ":status"',
    ],
    [
      "a flood of PINGs",
      (s) =>
        bytesOf(
          s.settings(),
          ...Array.from(
            { length: 1001 },
            () => s.raw(FRAME.ping, FLAG.ack, 0, [0, 0, 0, 0, 0, 0, 0, 0]),
          ),
        ),
      "GOAWAY 11 more than 1000 frames without any use",
    ],
    [
      "a flood of settings",
      (s) => bytesOf(...Array.from({ length: 1002 }, () => s.settings())),
      "GOAWAY 11 more than 1000 frames without any use",
    ],
    [
      "a flood of empty data",
      (s) =>
        bytesOf(
          s.settings(),
          s.headers(1, [[":status", "200"]]),
          ...Array.from({ length: 1001 }, () => s.data(1, "")),
        ),
      "GOAWAY 11 more than 1000 frames without any use",
    ],
  ];

for (const [title, play, end] of WRONG) {
  Deno.test(`a server that sends ${title} gives BAD_RESPONSE`, async () => {
    const { length } = play(new ServerFrames());
    for (const step of new Set([length, length > 10_000 ? length : 1])) {
      const scene = new Http2Scene();
      scene.request();
      await scene.sent();
      scene.receive(play(scene.server), step);
      const text = end.replace(/^GOAWAY \d+ /, "");
      assert.deepEqual(scene.outcomes, [`GET / BAD_RESPONSE other: ${text}`]);
      const [, code] = /^GOAWAY (\d+) /.exec(end) ?? [];
      const last = (await scene.sent()).at(-1)!;
      if (code === undefined) {
        assert.match(last, /^reset 1 /);
        assert.ok(!scene.socket.isClosed, "the connection goes on");
      } else {
        assert.equal(last, `goAway 0 ${code}`);
        assert.ok(scene.socket.isClosed);
      }
    }
  });
}

Deno.test("a stream that is reset fails alone, and one that is refused was not processed", () => {
  const scene = new Http2Scene();
  const { server } = scene;
  for (const path of ["/a", "/b", "/c"]) scene.request(path);
  scene.receive(bytesOf(
    server.settings(),
    server.number(FRAME.reset, 3, 2),
    server.number(FRAME.reset, 1, ERROR.refusedStream),
    server.response(5, "c"),
  ));
  assert.deepEqual(scene.outcomes, [
    "GET /b ECONNRESET other: the server reset the stream: INTERNAL_ERROR",
    "GET /a ECONNRESET unprocessed: the server reset the stream: REFUSED_STREAM",
    "GET /c 200 c",
  ]);
});

Deno.test("after GOAWAY, later streams were not processed, and earlier ones still end", () => {
  const scene = new Http2Scene();
  const { server } = scene;
  for (const path of ["/a", "/b", "/c"]) scene.request(path);
  scene.receive(bytesOf(server.settings(), server.goAway(3)));
  assert.equal(scene.connection.room, 0);
  assert.ok(!scene.socket.isClosed);
  scene.receive(bytesOf(server.response(3, "b"), server.response(1, "a")));
  assert.deepEqual(scene.outcomes, [
    "GET /c ECONNRESET unprocessed: the server ended the connection: NO_ERROR",
    "GET /b 200 b",
    "GET /a 200 a",
  ]);
  assert.ok(scene.socket.isClosed);
});

Deno.test("a connection that is lost fails all of its streams", () => {
  const scene = new Http2Scene();
  scene.request("/a");
  scene.request("/b");
  scene.receive(scene.server.settings());
  scene.socket.handler.onEnd();
  assert.deepEqual(scene.outcomes, [
    "GET /a ECONNRESET lost: the connection was lost",
    "GET /b ECONNRESET lost: the connection was lost",
  ]);
  assert.ok(scene.socket.isClosed);
});

/** A reader that writes down what it gets. */
function noting(events: string[]): BodyReader {
  return {
    begun: ({ status }) => events.push(`begun ${status}`) > 0,
    piece: (bytes) => void events.push(`piece ${bytes.length}`),
  };
}

Deno.test("a response that is read while it arrives ends its request, and has trailers", async () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.receive(server.settings([[SETTING.initialWindowSize, 3]]));
  await scene.sent();
  const events: string[] = [];
  scene.request("/", { method: "POST", body: new Uint8Array(10), reader: noting(events) });
  await scene.sent();
  scene.receive(server.headers(1, [[":status", "103"]]));
  scene.receive(server.headers(1, [[":status", "200"]]));
  scene.receive(server.data(1, "piece"));
  assert.deepEqual(events, ["begun 200", "piece 5"]);
  assert.deepEqual(scene.outcomes, []);
  scene.receive(server.headers(1, [["grpc-status", "0"]], FLAG.endStream));
  // The server does not want the rest of the request.
  assert.deepEqual(await scene.sent(), ["reset 1 8"]);
  assert.deepEqual(scene.outcomes, ["POST / 200"]);
  assert.deepEqual(scene.lastTrailers, [["grpc-status", "0"]]);
});

Deno.test("while a stream is paused, its server gets no more room", async () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.receive(server.settings());
  await scene.sent();
  const events: string[] = [];
  scene.request("/", { reader: noting(events) });
  await scene.sent();
  scene.receive(server.headers(1, [[":status", "200"]]));
  const send = (frames: number): void => {
    for (let i = 0; i < frames; i++) {
      scene.receive(server.raw(FRAME.data, 0, 1, new Uint8Array(16_384)));
    }
  };
  send(129);
  assert.deepEqual(await scene.sent(), [`windowUpdate 1 ${129 * 16_384}`]);
  scene.flow!.pause();
  send(200);
  assert.deepEqual(await scene.sent(), []);
  scene.flow!.resume();
  assert.deepEqual(await scene.sent(), [`windowUpdate 1 ${200 * 16_384}`]);
  scene.flow!.cancel();
  assert.deepEqual(await scene.sent(), ["reset 1 8"]);
  assert.deepEqual(scene.outcomes, ["GET / ABORTED other: its reader wants no more of it"]);
  scene.flow!.cancel();
  assert.equal(events.length, 1 + 329);
});

Deno.test("a body is sent as far as both windows allow", async () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.receive(server.settings([[SETTING.initialWindowSize, 10]]));
  await scene.sent();
  scene.request("/", { method: "POST", body: new TextEncoder().encode("0123456789abcdefghij") });
  assert.deepEqual(await scene.sent(), ["headers 1 POST /", "data 1 0123456789"]);
  scene.receive(server.number(FRAME.windowUpdate, 1, 4));
  assert.deepEqual(await scene.sent(), ["data 1 abcd"]);
  // The setting changes the windows of streams that are open: here below 0.
  scene.receive(server.settings([[SETTING.initialWindowSize, 5]]));
  scene.receive(server.number(FRAME.windowUpdate, 1, 5));
  assert.deepEqual(await scene.sent(), ["settings 0 ack"]);
  scene.receive(server.settings([[SETTING.initialWindowSize, 1000]]));
  assert.deepEqual(await scene.sent(), ["data 1 end efghij", "settings 0 ack"]);
});

Deno.test("the streams of a connection share its window, and all bodies are sent in the end", async () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.receive(server.settings([[SETTING.initialWindowSize, 2 ** 20]]));
  await scene.sent();
  const body = new Uint8Array(40_000);
  scene.request("/a", { method: "POST", body });
  scene.request("/b", { method: "POST", body });
  const sizes = (lines: string[]): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const line of lines) {
      const [, stream, size] = /^data (\d+) (?:end )?(\d+)$/.exec(line) ?? [];
      if (stream !== undefined) sums[stream] = (sums[stream] ?? 0) + Number(size);
    }
    return sums;
  };
  assert.deepEqual(sizes(await scene.sent()), { 1: 40_000, 3: 25_535 });
  scene.receive(server.number(FRAME.windowUpdate, 0, 100_000));
  assert.deepEqual(sizes(await scene.sent()), { 3: 14_465 });
});

Deno.test("a body waits while the system takes nothing", async () => {
  const scene = new Http2Scene();
  scene.receive(scene.server.settings([[SETTING.initialWindowSize, 2 ** 20]]));
  scene.receive(scene.server.number(FRAME.windowUpdate, 0, 2 ** 20));
  await scene.sent();
  scene.socket.isFull = true;
  scene.request("/", { method: "POST", body: new Uint8Array(200_000) });
  const before = (await scene.sent()).length;
  assert.ok(before <= 6, `${before} frames`);
  scene.socket.drain();
  assert.match((await scene.sent()).at(-1)!, /^data 1 end /);
});

Deno.test("a body that is a stream ends with an empty frame, or with its Content-Length", async () => {
  const scene = new Http2Scene();
  scene.receive(scene.server.settings());
  await scene.sent();
  const stream = (): ReadableStream<Uint8Array> => new Blob(["first ", "second"]).stream();
  scene.request("/", { method: "POST", body: stream() });
  await settle();
  assert.deepEqual(await scene.sent(), [
    "headers 1 POST /",
    "data 1 first ",
    "data 1 second",
    "data 1 end ",
  ]);
  scene.request("/", { method: "POST", body: stream(), headers: [["content-length", "3"]] });
  await settle();
  assert.match(
    scene.outcomes[0]!,
    /^POST \/ BAD_REQUEST other: the body stream has more than the 3/,
  );
  assert.deepEqual((await scene.sent()).at(-1), "reset 3 8");
});

Deno.test("a body waits for 100 Continue, for a second at most", async () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.receive(server.settings());
  const body = new TextEncoder().encode("body");
  const ask = { method: "POST", body, headers: [["expect", "100-continue"]] as const };
  await scene.sent();
  scene.request("/", ask);
  assert.deepEqual(await scene.sent(), ["headers 1 POST /"]);
  scene.receive(server.headers(1, [[":status", "100"]]));
  assert.deepEqual(await scene.sent(), ["data 1 end body"]);
  scene.request("/", ask);
  await scene.clock.advance(1001);
  assert.deepEqual(await scene.sent(), ["headers 3 POST /", "data 3 end body"]);
  scene.request("/", ask);
  scene.receive(server.response(5, "", [], "417"));
  assert.deepEqual(scene.outcomes, ["POST / 417"]);
  assert.deepEqual(await scene.sent(), ["headers 5 POST /", "reset 5 8"]);
});

Deno.test("time limits end one stream, and the connection goes on", async () => {
  const scene = new Http2Scene({ headersMs: 1000, bodyMs: 500 });
  const { server } = scene;
  scene.receive(server.settings());
  scene.request("/silent");
  scene.request("/slow");
  scene.request("/late", { deadline: scene.clock.now() + 200 });
  await scene.sent();
  scene.receive(server.headers(3, [[":status", "200"]]));
  await scene.clock.advance(2000);
  assert.deepEqual(scene.outcomes, [
    "GET /late TIMEOUT other: no complete response in time",
    "GET /slow BODY_TIMEOUT other: no further part of the body in time",
    "GET /silent HEADERS_TIMEOUT other: no response in time",
  ]);
  assert.deepEqual(await scene.sent(), ["reset 5 8", "reset 3 8", "reset 1 8"]);
  // What the server sent before it knew is ignored, and its headers are still read.
  scene.receive(bytesOf(server.response(5, "late", [["x-a", "b"]]), server.data(3, "slow")));
  scene.request("/next");
  scene.receive(server.response(7, "next", [["x-a", "b"]]));
  assert.equal(scene.outcomes.at(-1), "GET /next 200 next");
});

Deno.test("a body over the limit is TOO_LARGE", async () => {
  const scene = new Http2Scene({ maxBodySize: 5 });
  const { server } = scene;
  scene.request();
  scene.receive(bytesOf(server.settings(), server.response(1, "123456")));
  assert.deepEqual(scene.outcomes, ["GET / TOO_LARGE other: the body has over 5 bytes"]);
  assert.deepEqual((await scene.sent()).at(-1), "reset 1 8");
});

Deno.test("responses to HEAD and 304 may have a length without a body", () => {
  const scene = new Http2Scene();
  const { server } = scene;
  scene.request("/", { method: "HEAD" });
  scene.request("/");
  const length = [["content-length", "500"]] as const;
  scene.receive(bytesOf(
    server.settings(),
    server.response(1, "", length),
    server.response(3, "", length, "304"),
  ));
  assert.deepEqual(scene.outcomes, ["HEAD / 200", "GET / 304"]);
});

Deno.test("streams beyond the server's limit find no room", () => {
  const scene = new Http2Scene();
  scene.receive(scene.server.settings([[SETTING.maxConcurrentStreams, 2]]));
  scene.request("/a");
  assert.equal(scene.connection.room, 1);
  scene.request("/b");
  assert.equal(scene.connection.room, 0);
  scene.receive(scene.server.response(1));
  assert.equal(scene.connection.room, 1);
});

/** Any bytes: each request ends exactly once, and nothing is thrown. */
function mutate(seed: number): void {
  const below = numbers(seed);
  const scene = new Http2Scene({ maxBodySize: 10_000 });
  const { server } = scene;
  for (let i = 0; i < 4; i++) scene.request(`/${i}`);
  const parts = [
    rich(server),
    server.response(3, "three", [["x", "y"]]),
    server.response(5, "five", [["x", "y"]], "404"),
    below(2) === 0 ? server.goAway(5) : server.settings([[SETTING.initialWindowSize, 7]]),
    server.response(7, "seven"),
  ];
  const bytes = bytesOf(...parts);
  for (let left = 1 + below(4); left > 0; left--) {
    const at = below(bytes.length);
    if (below(2) === 0) bytes[at] = below(256);
    else bytes[at]! ^= 1 << below(8);
  }
  scene.receive(bytes, 1 + below(200));
  if (!scene.socket.isClosed) scene.socket.handler.onEnd();
  assert.equal(scene.outcomes.length, 4, `seed ${seed}: ${scene.outcomes.join(" | ")}`);
}

Deno.test("whatever a server sends, each request ends once", () => {
  for (let seed = 0; seed < lengthOf({ short: 3_000, full: 200_000 }); seed++) mutate(seed);
});
