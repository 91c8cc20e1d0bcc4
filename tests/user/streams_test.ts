import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { UserEnd } from "../../src/core/user_lifetime.ts";
import { RequestError, type RequestErrorCode } from "../../src/http/request_error.ts";
import type { BodyFlow, Transport, WireRequest, WireResponse } from "../../src/http/transport.ts";
import { UrlResolver } from "../../src/http/url_resolver.ts";
import { metrics } from "../../src/user/metrics.ts";
import { Session } from "../../src/user/session.ts";
import type { StreamResponse } from "../../src/user/streams.ts";
import { settle } from "../support/fake_clock.ts";
import { type TestContext, testContext } from "../support/users.ts";

// Streams over real connections are tested end to end. Here is what needs virtual time.

const encoder = new TextEncoder();

interface Head {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly setCookies?: readonly string[];
  readonly body?: string;
}

/** A transport whose responses the test sends piece by piece. */
class PlayedTransport implements Transport {
  request!: WireRequest;
  /** `pause`, `resume` and `cancel`. */
  readonly steered: string[] = [];
  readonly #clock: { now(): number };
  #head!: WireResponse;
  #bytes = 0;

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  exchange(request: WireRequest): void {
    this.request = request;
  }

  abort(): void {
    this.fail("ABORTED");
  }

  close(): void {
    this.fail("ABORTED");
  }

  /** The head arrives. Returns whether the body is wanted as it arrives. */
  begin(head: Head = {}): boolean {
    this.#head = this.#response(head);
    const flow: BodyFlow = {
      pause: () => void this.steered.push("pause"),
      resume: () => void this.steered.push("resume"),
      cancel: () => {
        this.steered.push("cancel");
        this.fail("ABORTED");
      },
    };
    return this.request.reader!.begun(this.#head, flow);
  }

  /** A piece of the body arrives. */
  piece(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? encoder.encode(content) : new Uint8Array(content);
    this.#bytes += bytes.length;
    this.request.reader!.piece(bytes);
  }

  /** The response is complete. */
  end(head?: Head): void {
    const response = head === undefined ? this.#head : this.#response(head);
    const { status, headers, setCookies } = response;
    const own = head?.body ?? "";
    this.request.received({
      ...response,
      ...{ status, headers, setCookies },
      bytesReceived: this.#bytes + own.length,
      endedAt: this.#clock.now(),
    });
  }

  fail(code: RequestErrorCode): void {
    const { method, url } = this.request;
    this.request.failed(new RequestError(code, method, url.href, "it has failed"));
  }

  #response({ status = 200, headers = {}, setCookies = [], body = "" }: Head): WireResponse {
    return {
      status,
      headers: new Headers(headers),
      setCookies,
      locations: () => headers.location === undefined ? [] : [headers.location],
      contentCoding: () => headers["content-encoding"] ?? null,
      bytesReceived: 0,
      bytesSent: 3,
      endedAt: this.#clock.now(),
      bytes: () => encoder.encode(body),
      text: () => body,
    };
  }
}

interface Scene extends TestContext {
  readonly session: Session;
  readonly transport: PlayedTransport;
  readonly stop: AbortController;
}

function scene(): Scene {
  metrics.take(0);
  const context = testContext();
  const transport = new PlayedTransport(context.clock);
  const stop = new AbortController();
  const host = "http://127.0.0.1:8000";
  const session = new Session(transport, { ...context.context, signal: stop.signal }, {
    userClass: "ChatTest",
    host,
    urls: new UrlResolver(host),
    timeout: 60,
    maxRedirects: 20,
  });
  return { ...context, session, transport, stop };
}

const SSE = { headers: { "content-type": "text/event-stream; charset=utf-8" } };

/** The sums of counters, and the values of trends with one value each. */
function collected(): Record<string, number> {
  return Object.fromEntries(
    [...metrics.take(0)].map(([name, stats]) => [
      name,
      stats.type === "trend" ? stats.sum : stats.type === "counter" ? stats.value : NaN,
    ]),
  );
}

async function data(res: StreamResponse, limit = Infinity): Promise<string[]> {
  const read: string[] = [];
  for await (const event of res.events()) {
    read.push(`${event.data}@${event.atMs}`);
    if (read.length === limit) break;
  }
  return read;
}

Deno.test("events have the times at which they arrived, and are counted with their request", async () => {
  const { session, transport, clock, recorded } = scene();
  await clock.advance(1000);
  let read: string[] = [];
  const gate = Promise.withResolvers<void>();
  const streaming = session.stream("post", "/chat", { json: {} }, async (res) => {
    assert.ok(Number.isNaN(res.firstByteMs));
    await gate.promise;
    read = await data(res);
  });
  await clock.advance(10);
  assert.ok(transport.begin(SSE));
  await settle();
  for (const [index, wait] of [90, 40, 60].entries()) {
    await clock.advance(wait);
    transport.piece(`: a comment\n\ndata: ${index}\n\n`);
  }
  transport.piece("data: incomplete");
  await clock.advance(20);
  transport.end();
  await settle();
  assert.deepEqual(recorded.samples, []);
  await clock.advance(5000);
  gate.resolve();
  const res = await streaming;
  assert.deepEqual(read, ["0@100", "1@140", "2@200"]);
  assert.equal(res.latencyMs, 220);
  assert.equal(res.firstByteMs, 100);
  assert.equal(res.firstEventMs, 100);
  assert.equal(res.eventCount, 3);
  assert.equal(res.eventsPerSecond, 20);
  const [sample, ...others] = recorded.samples;
  assert.deepEqual(others, []);
  const { method, name, status, latencyMs, error, bytesReceived, bytesSent } = sample!;
  assert.deepEqual(
    { method, name, status, latencyMs, error, bytesReceived, bytesSent },
    {
      method: "POST",
      name: "/chat",
      status: 200,
      latencyMs: 220,
      error: null,
      bytesReceived: 82,
      bytesSent: 3,
    },
  );
  assert.deepEqual(collected(), {
    stream_events: 3,
    stream_first_byte_ms: 100,
    stream_events_per_stream: 3,
    stream_first_event_ms: 100,
    stream_events_per_second: 20,
  });
});

Deno.test("a test that leaves a loop ends the stream, and nothing has failed", async () => {
  for (const limit of [2, 0]) {
    const { session, transport, clock, recorded } = scene();
    const gate = Promise.withResolvers<void>();
    const streaming = session.stream("GET", "/ticks", {}, async (res) => {
      if (limit === 0) return await gate.promise;
      await data(res, limit);
      // What comes after the loop is not part of the stream.
      await clock.advance(1000);
    });
    transport.begin(SSE);
    await clock.advance(50);
    transport.piece("data: 1\n\ndata: 2\n\n");
    gate.resolve();
    const res = await streaming;
    assert.deepEqual(transport.steered, ["cancel"]);
    assert.deepEqual(
      recorded.samples.map(({ status, error, latencyMs }) => [status, error, latencyMs]),
      [[200, null, 50]],
    );
    assert.equal(recorded.samples[0]!.bytesReceived, 18);
    assert.equal(res.latencyMs, 50);
    assert.equal(collected().stream_events_per_stream, 2);
    assert.deepEqual(recorded.unfinished, []);
  }
});

Deno.test("the function decides how the request counts, as a check does", async () => {
  const cases: [(res: StreamResponse) => unknown, number, string | null][] = [
    [(res) => res.failure("no answer"), 200, "no answer"],
    [() => assert.fail("wrong answer"), 200, "wrong answer"],
    [() => Promise.reject(new Error("later")), 200, "later"],
    [() => {}, 503, "HTTP 503"],
    [(res) => res.success(), 503, null],
  ];
  for (const [read, status, error] of cases) {
    const { session, transport, recorded } = scene();
    let res: StreamResponse | null = null;
    const streaming = session.stream("GET", "/", {}, (one) => read(res = one));
    transport.begin({ status });
    transport.end();
    assert.equal(await streaming, res);
    assert.deepEqual(recorded.samples.map((one) => one.error), [error]);
    assert.throws(() => res!.failure("too late"), /already been counted/);
    assert.equal(res!.check("still counts", true), true);
  }
});

Deno.test("without a function, all of the response is read", async () => {
  const { session, transport, recorded } = scene();
  const streaming = session.stream("GET", "/");
  transport.begin(SSE);
  transport.piece("data: 1\n\n".repeat(50_000));
  await settle();
  transport.piece("data: 2\n\n");
  transport.end();
  const res = await streaming;
  assert.equal(res.eventCount, 50_001);
  assert.equal(recorded.samples.length, 1);
  // A loop that finds nothing would look like a server that sends nothing.
  assert.throws(() => res.events(), /res\.events\(\): the stream is over; read it in the function/);
  await assert.rejects(Array.fromAsync(res.body), /res\.body: the stream is over/);
  await assert.rejects(res.text(), /res\.text\(\): the stream is over/);
});

Deno.test("a stream that is cut off has failed, after what has arrived of it", async () => {
  for (const catches of [true, false]) {
    const { session, transport, clock, recorded } = scene();
    const read: string[] = [];
    const streaming = session.stream("GET", "/", {}, async (res) => {
      await clock.advance(100);
      try {
        for await (const { data } of res.events()) read.push(data);
      } catch (error) {
        read.push((error as RequestError).code);
        if (!catches) throw error;
      }
    });
    const rejected = assert.rejects(streaming, { code: "INCOMPLETE_BODY" });
    transport.begin(SSE);
    transport.piece("data: 1\n\ndata: 2\n\n");
    transport.fail("INCOMPLETE_BODY");
    await rejected;
    assert.deepEqual(read, ["1", "2", "INCOMPLETE_BODY"]);
    assert.deepEqual(
      recorded.samples.map(({ status, error, bytesReceived }) => [status, error, bytesReceived]),
      [[0, "INCOMPLETE_BODY", 18]],
    );
    assert.equal(collected().stream_events_per_stream, 2);
  }
});

Deno.test("a stream that fails before it has begun fails as other requests do", async () => {
  const { session, transport, recorded } = scene();
  const streaming = session.stream("GET", "/", {}, () => assert.fail("it has not begun"));
  transport.fail("ECONNREFUSED");
  await assert.rejects(streaming, { code: "ECONNREFUSED" });
  assert.deepEqual(recorded.samples.map(({ error }) => error), ["ECONNREFUSED"]);
  assert.deepEqual(collected(), {});
});

Deno.test("a user that must stop ends its stream, which has been answered", async () => {
  const { session, transport, clock, recorded, stop } = scene();
  let ended: unknown = null;
  const streaming = session.stream(
    "GET",
    "/",
    {},
    (res) => data(res).catch((error) => ended = error),
  );
  transport.begin(SSE);
  await clock.advance(100);
  transport.piece("data: 1\n\n");
  await clock.advance(100);
  transport.piece("data: 2\n\n");
  await clock.advance(300);
  stop.abort();
  await assert.rejects(streaming, { code: "ABORTED" });
  assert.equal((ended as unknown as RequestError).code, "ABORTED");
  assert.deepEqual(
    recorded.samples.map((one) => [one.status, one.error, one.latencyMs, one.bytesReceived]),
    [[200, null, 500, 18]],
  );
  assert.deepEqual(recorded.unfinished, []);
  assert.deepEqual(collected(), {
    stream_events: 2,
    stream_first_byte_ms: 100,
    stream_first_event_ms: 100,
    stream_events_per_second: 10,
  });
});

Deno.test("a user that has ended does not go on with its stream", async () => {
  for (const isComplete of [false, true]) {
    const { session, transport, context, clock, recorded } = scene();
    let steps = 0;
    const streaming = session.stream("GET", "/", {}, async (res) => {
      steps++;
      for await (const _ of res.events()) steps++;
      await clock.advance(1000);
      steps++;
    });
    streaming.then(() => steps = NaN, () => steps = NaN);
    transport.begin(SSE);
    transport.piece("data: 1\n\n");
    await settle();
    if (isComplete) transport.end();
    await settle();
    context.requests.close(clock.now());
    session.close();
    await settle();
    assert.equal(steps, isComplete ? 3 : 2);
    assert.deepEqual(recorded.samples.map((one) => [one.error, one.latencyMs]), [[null, 0]]);
    assert.deepEqual(recorded.unfinished, []);
    assert.equal(collected().stream_events, 1);
  }
});

Deno.test("a stream that has not begun is unfinished if its user must stop", async () => {
  const { session, clock, recorded, stop } = scene();
  const streaming = session.stream("GET", "/");
  await clock.advance(100);
  stop.abort();
  await assert.rejects(streaming, { code: "ABORTED" });
  assert.deepEqual(recorded.samples, []);
  assert.deepEqual(recorded.unfinished.map(({ ageMs }) => ageMs), [100]);
});

Deno.test("UserEnd ends the user, and the stream has not failed", async () => {
  const { session, transport, recorded } = scene();
  const streaming = session.stream("GET", "/", {}, () => {
    throw new UserEnd("enough");
  });
  transport.begin(SSE);
  await assert.rejects(streaming, UserEnd);
  assert.deepEqual(recorded.samples.map(({ error }) => error), [null]);
});

Deno.test("redirects are followed, and cookies are kept as soon as the head arrives", async () => {
  const { session, transport, recorded } = scene();
  const streaming = session.stream("GET", "/old", { name: "chat" }, async (res) => {
    assert.equal(session.cookies.get("b"), "2");
    assert.deepEqual([res.url, res.redirected, res.status], [
      "http://127.0.0.1:8000/new",
      true,
      200,
    ]);
    assert.equal(await res.text(), "text");
  });
  assert.ok(!transport.begin({ status: 302 }));
  transport.end({ status: 302, headers: { location: "/new" }, setCookies: ["a=1"] });
  assert.deepEqual(transport.request.headers, [["cookie", "a=1"]]);
  assert.ok(transport.begin({ setCookies: ["b=2"] }));
  await settle();
  session.cookies.clear();
  transport.piece("te");
  transport.piece("xt");
  transport.end();
  await streaming;
  assert.equal(session.cookies.get("b"), undefined);
  assert.deepEqual(recorded.samples.map(({ name }) => name), ["chat"]);
});

Deno.test("a redirect that leads nowhere is the response, with its body", async () => {
  const { session, transport, recorded } = scene();
  let text = "";
  const streaming = session.stream("GET", "/", {}, async (res) => void (text = await res.text()));
  assert.ok(!transport.begin({ status: 302 }));
  transport.end({ status: 302, body: "moved" });
  await streaming;
  assert.equal(text, "moved");
  assert.deepEqual(recorded.samples.map(({ status, bytesReceived }) => [status, bytesReceived]), [
    [302, 5],
  ]);
});

Deno.test("the server waits while the test reads more slowly than it sends", async () => {
  const { session, transport } = scene();
  const next = Promise.withResolvers<void>();
  let bytes = 0;
  const streaming = session.stream("GET", "/", {}, async (res) => {
    await next.promise;
    for await (const chunk of res.body) bytes += chunk.length;
  });
  transport.begin();
  for (let i = 0; i < 5; i++) transport.piece(new Uint8Array(60_000));
  await settle();
  assert.deepEqual(transport.steered, ["pause"]);
  next.resolve();
  await settle();
  assert.deepEqual(transport.steered, ["pause", "resume"]);
  transport.end();
  await streaming;
  assert.equal(bytes, 300_000);
});

Deno.test("a body is decoded, and one that cannot be decoded fails", async () => {
  const wire = gzipSync("data: 1\n\ndata: 2\n\n");
  const head = { headers: { ...SSE.headers, "content-encoding": "gzip" } };
  for (const cut of [0, 9]) {
    const { session, transport, recorded } = scene();
    let read: string[] = [];
    const streaming = session.stream("GET", "/", {}, async (res) => void (read = await data(res)));
    transport.begin(head);
    transport.piece(wire.subarray(0, wire.length - cut));
    transport.end();
    if (cut === 0) {
      await streaming;
      assert.deepEqual(read, ["1@0", "2@0"]);
    } else await assert.rejects(streaming, { code: "BAD_ENCODING" });
    assert.deepEqual(
      recorded.samples.map(({ error, bytesReceived }) => [error, bytesReceived]),
      [[cut === 0 ? null : "BAD_ENCODING", wire.length - cut]],
    );
  }
  const { session, transport, recorded } = scene();
  const streaming = session.stream("GET", "/", {}, (res) => data(res));
  transport.begin(head);
  transport.piece(new Uint8Array(100).fill(7));
  await assert.rejects(streaming, { code: "BAD_ENCODING" });
  assert.deepEqual(transport.steered, ["cancel"]);
  assert.equal(recorded.samples.length, 1);
});

Deno.test("an unknown coding and an event that is too large fail, and end the exchange", async () => {
  const { session, transport, recorded } = scene();
  const coded = session.stream("GET", "/", {}, (res) => data(res));
  transport.begin({ headers: { "content-encoding": "rot13" } });
  await assert.rejects(coded, { code: "BAD_ENCODING" });
  const large = session.stream("GET", "/", {}, (res) => data(res));
  transport.begin(SSE);
  for (let i = 0; i < 17; i++) transport.piece("data: " + "x".repeat(1024 * 1024));
  await assert.rejects(large, { code: "TOO_LARGE" });
  assert.deepEqual(transport.steered.filter((one) => one === "cancel").length, 2);
  assert.deepEqual(recorded.samples.map(({ error }) => error), ["BAD_ENCODING", "TOO_LARGE"]);
});

Deno.test("the time limit of the class ends when the response begins, one of the stream does not", async () => {
  const { session, transport, clock } = scene();
  await clock.advance(1000);
  void session.stream("GET", "/");
  assert.equal(transport.request.deadline, 61_000);
  transport.begin();
  assert.equal(transport.request.deadline, Infinity);
  transport.end();
  void session.stream("GET", "/", { timeout: 5 });
  transport.begin();
  assert.equal(transport.request.deadline, 6000);
});

Deno.test("events are found whatever the content type, and errors are no streams in metrics", async () => {
  const { session, transport } = scene();
  let read: string[] = [];
  const streaming = session.stream("GET", "/", {}, async (res) => void (read = await data(res)));
  transport.begin();
  transport.piece("data: 1\n\n");
  transport.end();
  await streaming;
  assert.deepEqual(read, ["1@0"]);
  assert.equal(collected().stream_events, 1);
  const failed = session.stream("GET", "/");
  transport.begin({ status: 500 });
  transport.piece("oops");
  transport.end();
  await failed;
  assert.deepEqual(collected(), {});
});

Deno.test("invalid arguments are errors of the test: nothing is sent or counted", async () => {
  const { session, transport, recorded } = scene();
  const wrong = session.stream.bind(session) as (...args: unknown[]) => Promise<unknown>;
  await assert.rejects(wrong("GET", "/", { resources: true }), /resources: a stream is no page/);
  await assert.rejects(wrong("GET", "/", () => {}), /the fourth argument/);
  await assert.rejects(wrong("GET", "/", {}, "read"), /'read', expected a function/);
  await assert.rejects(wrong("GET", "/", { timeout: 0 }), RangeError);
  await assert.rejects(wrong("GET", "/", { nmae: "x" }), /did you mean name/);
  await assert.rejects(wrong(7, "/"), /method: 7/);
  assert.equal(transport.request, undefined);
  assert.deepEqual(recorded.samples, []);
});
