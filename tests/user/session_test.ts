import assert from "node:assert/strict";
import { Lease } from "../../src/core/lease.ts";
import { shown } from "../../src/core/text.ts";
import { RequestError } from "../../src/http/request_error.ts";
import type { RequestOptions } from "../../src/http/request_options.ts";
import type { Transport, WireRequest, WireResponse } from "../../src/http/transport.ts";
import { UrlResolver } from "../../src/http/url_resolver.ts";
import { IterationSlot } from "../../src/user/iteration_slot.ts";
import { Session } from "../../src/user/session.ts";
import { settle } from "../support/fake_clock.ts";
import { type TestContext, testContext } from "../support/users.ts";

// The transports' contract tests the session over real connections. Here is what needs a scripted
// transport.

/** A transport that answers from a script. */
class ScriptedTransport implements Transport {
  readonly requests: WireRequest[] = [];
  aborts = 0;
  closed = false;
  readonly #answer: (request: WireRequest) => Promise<WireResponse>;

  constructor(answer: (request: WireRequest) => Promise<WireResponse>) {
    this.#answer = answer;
  }

  exchange(request: WireRequest): void {
    // The session uses its requests again.
    this.requests.push({ ...request });
    this.#answer(request).then(
      (response) => request.received(response),
      (error) => request.failed(error),
    );
  }

  abort(): void {
    this.aborts++;
  }

  close(): void {
    this.closed = true;
  }
}

function answer(fields: Partial<WireResponse> = {}): WireResponse {
  return {
    status: 200,
    headers: new Headers(),
    setCookies: [],
    locations: () => [],
    contentCoding: () => null,
    bytesReceived: 0,
    bytesSent: 0,
    endedAt: 0,
    bytes: () => new Uint8Array(0),
    text: () => "",
    ...fields,
  };
}

interface Scene extends TestContext {
  readonly session: Session;
  readonly transport: ScriptedTransport;
  readonly stop: AbortController;
}

function scene(
  script: (request: WireRequest) => Promise<WireResponse>,
  timeout = 60,
  lease = Lease.endless(),
): Scene {
  const context = testContext({ lease });
  const transport = new ScriptedTransport(script);
  const stop = new AbortController();
  const host = "http://127.0.0.1:8000";
  const session = new Session(transport, { ...context.context, signal: stop.signal }, {
    userClass: "ShopTest",
    host,
    urls: new UrlResolver(host),
    timeout,
    maxRedirects: 20,
  });
  return { ...context, session, transport, stop };
}

Deno.test("the latency ends with the last byte, not when the session continues", async () => {
  const { session, clock, recorded } = scene(async () => {
    const endedAt = clock.now() + 7;
    await clock.advance(1000);
    return answer({ endedAt });
  });
  await clock.advance(100);
  const res = await session.get("/");
  assert.equal(res.latencyMs, 7);
  assert.equal(recorded.samples[0]!.latencyMs, 7);
  assert.equal(recorded.samples[0]!.endedAt, 107);
});

Deno.test("bytes and retries of redirects are added up, also if the request fails", async () => {
  let hops = 0;
  let end = 3;
  const { session, recorded } = scene(({ counter }) => {
    counter.retries++;
    const locations = (): string[] => ["/next"];
    const hop = { bytesReceived: 10, bytesSent: 3, endedAt: ++hops * 5 };
    return Promise.resolve(hops === end ? answer(hop) : answer({ ...hop, status: 302, locations }));
  });
  await session.get("/");
  end = Infinity;
  await assert.rejects(session.get("/"), { code: "TOO_MANY_REDIRECTS" });
  const sums = recorded.samples.map((sample) => [
    sample.bytesReceived,
    sample.bytesSent,
    sample.retries,
  ]);
  assert.deepEqual(sums, [[30, 9, 3], [210, 63, 21]]);
  assert.equal(recorded.samples[0]!.latencyMs, 15);
});

Deno.test("the deadline is the request's own timeout or the class's, and applies to the whole chain", async () => {
  const { session, transport, clock } = scene(async () => {
    await clock.advance(100);
    const locations = (): string[] => ["/next"];
    return transport.requests.length % 2 === 1 ? answer({ status: 302, locations }) : answer();
  }, 3);
  await session.get("/");
  await session.get("/", { timeout: 0.5 });
  assert.deepEqual(transport.requests.map(({ deadline }) => deadline), [3000, 3000, 700, 700]);
});

Deno.test("a plain GET has no headers, and its URL is parsed once", async () => {
  const { session, transport } = scene(() => Promise.resolve(answer()));
  await session.get("/a?b=c");
  await session.get("/a?b=c");
  const [first, second] = transport.requests;
  assert.deepEqual(first!.headers, []);
  assert.equal(first!.url, second!.url);
  assert.equal(first!.body, null);
});

Deno.test("a RequestError thrown by a check is labelled with its code", async () => {
  const bad = new RequestError("BAD_ENCODING", "GET", "http://127.0.0.1:8000/", "cut off");
  const text = (): never => {
    throw bad;
  };
  const { session, recorded } = scene(() => Promise.resolve(answer({ text })));
  await session.get("/", {}, (res) => res.text());
  assert.equal(recorded.samples[0]!.error, "BAD_ENCODING");
  assert.equal(recorded.samples[0]!.status, 200);
});

Deno.test("a failed request is counted once, with its duration", async () => {
  const { session, clock, recorded, context } = scene(async ({ method, url }) => {
    await clock.advance(30);
    throw new RequestError("ECONNRESET", method, url.href, "gone");
  });
  const error: unknown = await session.put("/a", {}).catch((error: unknown) => error);
  assert.ok(error instanceof RequestError);
  assert.equal(context.recorder.isCounted(error), true);
  assert.deepEqual(
    recorded.samples.map((
      { name, latencyMs, endedAt, error },
    ) => [name, latencyMs, endedAt, error]),
    [
      ["/a", 30, 30, "ECONNRESET"],
    ],
  );
});

Deno.test("the user's signal aborts the transport, until the session is closed", () => {
  const open = scene(() => Promise.resolve(answer()));
  open.stop.abort();
  assert.equal(open.transport.aborts, 1);
  const closed = scene(() => Promise.resolve(answer()));
  closed.session.close();
  closed.stop.abort();
  assert.equal(closed.transport.aborts, 0);
  assert.equal(closed.transport.closed, true);
});

Deno.test("a test that loops over failing requests stops once its session is closed", async () => {
  const { session, recorded } = scene(({ method, url }) =>
    Promise.reject(new RequestError("ECONNREFUSED", method, url.href, "refused"))
  );
  let turns = 0;
  const loop = async (): Promise<void> => {
    for (;;) {
      turns++;
      if (turns === 3) session.close();
      await session.get("/").catch(() => {});
    }
  };
  void loop();
  await settle();
  assert.equal(turns, 3);
  assert.equal(recorded.samples.length, 2);
});

Deno.test("an invalid timeout of a class is refused before anything starts", () => {
  for (const timeout of [0, -1, NaN]) {
    assert.throws(() => scene(() => Promise.resolve(answer()), timeout), {
      name: "RangeError",
      message: `timeout: ${timeout}, expected more than 0 seconds`,
    });
  }
});

Deno.test("a request without a lease never settles, is not sent, and is not counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { session, transport, clock, recorded } = scene(() => Promise.resolve(answer()), 60, lease);
  await clock.advance(1_000);
  await session.get("/in-time");
  await clock.advance(1);
  let settled = false;
  void session.get("/too-late").finally(() => settled = true).catch(() => {});
  await clock.advance(100_000);
  assert.equal(settled, false);
  assert.equal(transport.requests.length, 1);
  assert.deepEqual(recorded.samples.map(({ name }) => name), ["/in-time"]);
  lease.grant(200_000);
  await session.get("/again");
  assert.equal(settled, false);
  assert.equal(recorded.samples.length, 2);
});

Deno.test("a request that is pending when the lease expires is counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { session, clock, recorded } = scene(
    async () => {
      await clock.advance(3_000);
      return answer({ endedAt: clock.now() });
    },
    60,
    lease,
  );
  await session.get("/");
  assert.equal(lease.holds(clock.now()), false);
  assert.deepEqual(recorded.samples.map(({ latencyMs }) => latencyMs), [3_000]);
});

Deno.test("the latency of the first request of a late iteration starts when it was due, its timeout when it is sent", async () => {
  const context = testContext();
  const { clock, recorded } = context;
  await clock.advance(1_400);
  const slot = new IterationSlot({
    scheduled: true,
    next: () => 400,
    cancel: () => {},
    began: () => {},
    ended: () => {},
    interrupted: () => {},
    declined: () => {},
  }, 0);
  await slot.begin(clock, () => false);
  const transport: ScriptedTransport = new ScriptedTransport(async () => {
    await clock.advance(20);
    const locations = (): string[] => ["/next"];
    return transport.requests.length === 1
      ? answer({ status: 302, locations, endedAt: clock.now() })
      : answer({ endedAt: clock.now() });
  });
  const host = "http://127.0.0.1:8000";
  const session = new Session(
    transport,
    { ...context.context, iterationSlot: slot, signal: new AbortController().signal },
    { userClass: "ShopTest", host, urls: new UrlResolver(host), timeout: 3, maxRedirects: 20 },
  );
  await session.get("/first");
  await session.get("/second");
  // A chain of redirects is one request and counts once.
  assert.deepEqual(recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]), [
    ["/first", 1_040],
    ["/second", 20],
  ]);
  assert.deepEqual(transport.requests.map(({ deadline }) => deadline), [4_400, 4_400, 4_440]);
});

const REQUEST_NAMES: [given: unknown, text: string][] = [
  [17, "17"],
  [5n, "5"],
  [Symbol("s"), "Symbol(s)"],
  [{ id: 5 }, "{ id: 5 }"],
  [Object.create(null), "[Object: null prototype] {}"],
  [null, "/items"],
  [undefined, "/items"],
  ["", "/items"],
];

for (const [given, text] of REQUEST_NAMES) {
  Deno.test(`a request's name becomes a string: ${shown(given)}`, async () => {
    const { session, recorded, events } = scene(() => Promise.resolve(answer()));
    const seen: string[] = [];
    events.on("request", (event) => void seen.push(event.name));
    await session.get("/items", { name: given as string });
    await session.get("http://[", { name: given as string }).catch(() => {});
    const names = recorded.samples.map((sample) => sample.name);
    assert.deepEqual(names, [text, text === "/items" ? "http://[" : text]);
    assert.deepEqual(seen, names);
  });
}

const BAD_ARGUMENTS: [method: unknown, url: unknown, timeout: unknown, message: RegExp][] = [
  [5, "/", 1, /^TypeError: method: 5, expected a string$/],
  ["GET", "/", "1", /^RangeError: timeout: '1', expected more than 0 seconds$/],
  ["GET", "/", NaN, /^RangeError: timeout: NaN, expected more than 0 seconds$/],
  ["GET", "/", Symbol("s"), /^RangeError: timeout: Symbol\(s\), expected more than 0 seconds$/],
  ["GET", null, 1, /null is not a URL: expected a string/],
  ["GET", { path: "/" }, 1, /\{ path: '\/' \} is not a URL: expected a string/],
  ["GET", Symbol("s"), 1, /Symbol\(s\) is not a URL: expected a string/],
];

for (const [method, url, timeout, message] of BAD_ARGUMENTS) {
  Deno.test(`an argument of a wrong type is refused: ${message.source}`, async () => {
    const { session, transport } = scene(() => Promise.resolve(answer()));
    await assert.rejects(
      session.request(method as string, url as string, { timeout: timeout as number }),
      (error: unknown) => message.test(String(error)),
    );
    assert.deepEqual(transport.requests, []);
  });
}

const BAD_OPTIONS: [options: unknown, message: RegExp][] = [
  [() => {}, /^options: .*, expected an object; a check is the third argument$/],
  [null, /^options: null, expected an object$/],
  ["name", /^options: 'name', expected an object$/],
];

for (const [options, message] of BAD_OPTIONS) {
  Deno.test(`options that are no object are refused: ${message.source}`, async () => {
    const { session, transport } = scene(() => Promise.resolve(answer()));
    await assert.rejects(session.get("/", options as RequestOptions), {
      name: "TypeError",
      message,
    });
    assert.deepEqual(transport.requests, []);
  });
}

Deno.test("an unknown option is an error of the test: nothing is sent or counted", async () => {
  const { session, transport, recorded } = scene(() => Promise.resolve(answer()));
  for (const options of [{ timout: 1 }, { params: { a: null } }, { redirect: "no" }, { body: 7 }]) {
    await assert.rejects(session.get("/", options as never), { name: "TypeError" });
  }
  assert.equal(transport.requests.length + recorded.samples.length, 0);
});

Deno.test("a URL object is requested like its text", async () => {
  const { session, transport } = scene(() => Promise.resolve(answer()));
  await session.get(new URL("http://127.0.0.1:9000/items?id=5") as unknown as string);
  assert.equal(transport.requests[0]!.url.href, "http://127.0.0.1:9000/items?id=5");
});

Deno.test("with params, too, a URL object is requested, and what is no URL is refused", async () => {
  const { session, transport } = scene(() => Promise.resolve(answer()));
  const options = { params: { q: "a" } };
  await session.get(new URL("http://127.0.0.1:9000/items?id=5#top") as unknown as string, options);
  assert.equal(transport.requests[0]!.url.href, "http://127.0.0.1:9000/items?id=5&q=a");
  await assert.rejects(session.get(null as unknown as string, options), {
    message: /null is not a URL: expected a string/,
  });
});

Deno.test("a check that throws anything, or fails for any reason, fails its request", async () => {
  const { session, recorded } = scene(() => Promise.resolve(answer()));
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const thrown of [Object.create(null), proxy, Symbol("s"), null]) {
    await session.get("/", {}, () => {
      throw thrown;
    });
    await session.get("/", {}, (res) => res.failure(thrown));
  }
  await session.get("/", {}, (res) => res.failure(""));
  assert.deepEqual(recorded.samples.map(({ error }) => error), [
    "[Object: null prototype] {}",
    "[Object: null prototype] {}",
    "(object that cannot be shown)",
    "(object that cannot be shown)",
    "Symbol(s)",
    "Symbol(s)",
    "null",
    "null",
    "failed",
  ]);
});

/** A transport's answer that never comes, until the transport is told to abort. */
function aborted({ method, url }: WireRequest, signal: AbortSignal): Promise<never> {
  const error = new RequestError("ABORTED", method, url.href, "stopped");
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(error)));
}

Deno.test("a request that is aborted with its user is unfinished, with its age and its retries", async () => {
  const { session, stop, clock, recorded, context } = scene((request) => {
    request.counter.retries += 2;
    return aborted(request, stop.signal);
  });
  await clock.advance(1_000);
  const request = session.post("/pay", { name: "pay" });
  request.catch(() => {});
  await clock.advance(11_000);
  stop.abort();
  await assert.rejects(request, { code: "ABORTED" });
  context.requests.close(clock.now());
  assert.deepEqual(recorded.unfinished, [
    { method: "POST", name: "pay", ageMs: 11_000, retries: 2 },
  ]);
  assert.deepEqual(recorded.samples, []);
});

Deno.test("a chain of redirects that is cut off is one unfinished request", async () => {
  const { session, transport, recorded, context } = scene(({ counter }) => {
    if (transport.requests.length === 3) return new Promise(() => {});
    counter.retries++;
    return Promise.resolve(answer({ status: 302, locations: () => ["/next"] }));
  });
  void session.get("/first");
  await settle();
  assert.equal(transport.requests.length, 3);
  const { first } = context.requests;
  assert.deepEqual([first?.name, first?.next], ["/first", null]);
  context.requests.close(1_000);
  assert.deepEqual(recorded.unfinished, [
    { method: "GET", name: "/first", ageMs: 1_000, retries: 2 },
  ]);
});

Deno.test("requests in progress are known in any order in which they end", async () => {
  const answers: ((response: WireResponse) => void)[] = [];
  const { session, recorded, context } = scene(() => {
    const { promise, resolve } = Promise.withResolvers<WireResponse>();
    answers.push(resolve);
    return promise;
  });
  const names = (): string[] => {
    const found: string[] = [];
    for (let one = context.requests.first; one !== null; one = one.next) found.push(one.name);
    return found.toSorted();
  };
  const requests = ["/0", "/1", "/2", "/3"].map((url) => session.get(url));
  assert.deepEqual(names(), ["/0", "/1", "/2", "/3"]);
  for (const [ended, left] of [[2, "/0 /1 /3"], [3, "/0 /1"], [0, "/1"]] as const) {
    answers[ended]!(answer());
    await requests[ended];
    assert.equal(names().join(" "), left);
  }
  context.requests.close(5);
  assert.deepEqual(names(), []);
  assert.deepEqual(recorded.unfinished.map(({ name }) => name), ["/1"]);
  answers[1]!(answer());
  await settle();
  assert.equal(recorded.samples.length, 3);
});

Deno.test("a request is counted by its response if its user is stopped during its check", async () => {
  const { session, stop, recorded, context } = scene(() => Promise.resolve(answer()));
  const reason = new Error("stopped");
  context.recorder.markCounted(reason);
  const check = (): Promise<never> =>
    new Promise((_, reject) => stop.signal.addEventListener("abort", () => reject(reason)));
  const request = session.get("/", {}, check);
  await settle();
  stop.abort(reason);
  await request;
  assert.deepEqual(recorded.samples.map(({ status, error }) => [status, error]), [[200, null]]);
  assert.deepEqual(recorded.unfinished, []);
});

Deno.test("res.check counts, in a check and after it, and fails nothing", async () => {
  const { session, recorded } = scene(() => Promise.resolve(answer({ text: () => "{}" })));
  const inCheck = await session.get("/a", {}, async (res) => {
    res.check("has a token", (await res.json()).token);
  });
  assert.equal(inCheck.check("is fine", inCheck.ok), true);
  const plain = await session.get("/b");
  assert.equal(plain.check("is empty", ""), false);
  assert.throws(() => plain.check("is fine", plain.json()), /the result is a promise/);
  assert.deepEqual(recorded.checks, [
    { name: "has a token", passed: false },
    { name: "is fine", passed: true },
    { name: "is empty", passed: false },
  ]);
  assert.deepEqual(recorded.samples.map(({ error }) => error), [null, null]);
});

Deno.test("a check that never ends does not hide the answer, nor what it has found so far", async () => {
  const { session, recorded, context } = scene(() => Promise.resolve(answer({ endedAt: 7 })));
  void session.get("/", {}, () => new Promise(() => {}));
  void session.get("/", {}, (res) => {
    res.failure("no token");
    return new Promise(() => {});
  });
  await settle();
  assert.equal(recorded.samples.length, 0);
  context.requests.close(900);
  assert.deepEqual(
    recorded.samples.map(({ latencyMs, error }) => [latencyMs, error]),
    [[7, "no token"], [7, null]],
  );
  assert.deepEqual(recorded.unfinished, []);
});

Deno.test("a request that was not sent is not unfinished", async () => {
  const { session, transport, recorded, context } = scene(() => Promise.resolve(answer()));
  const form = new FormData();
  form.append("file", new Blob(["x"]), "x.txt");
  const request = session.post("/", { body: form });
  void request.catch(() => {});
  session.close();
  await settle();
  context.requests.close(5);
  assert.deepEqual([transport.requests.length, recorded.samples, recorded.unfinished], [0, [], []]);
});

Deno.test("an unexpected error after a request was sent counts as its failure", async () => {
  const { session, recorded } = scene(() => Promise.reject(new TypeError("a defect")));
  await assert.rejects(session.get("/"), TypeError);
  assert.deepEqual(recorded.samples.map(({ error }) => error), ["TypeError: a defect"]);
});

Deno.test("a request for which this machine lacks a resource is neither a request nor a failure", async () => {
  for (const code of ["EMFILE", "EADDRNOTAVAIL", "ENOBUFS"] as const) {
    const failure = new RequestError(code, "GET", "http://127.0.0.1:8000/", "no more");
    const { session, recorded, context } = scene(() => Promise.reject(failure));
    await assert.rejects(session.get("/"), failure);
    assert.deepEqual(recorded.samples, []);
    assert.equal(recorded.userErrors.length, 1);
    assert.equal(recorded.userErrors[0]!.user, "(load generator)");
    assert.equal(recorded.userErrors[0]!.error.startsWith(`${code}: `), true);
    // The test that it ends is not counted again.
    assert.equal(context.recorder.isCounted(failure), true);
  }
});
