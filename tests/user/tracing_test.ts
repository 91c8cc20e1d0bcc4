import assert from "node:assert/strict";
import { RequestError } from "../../src/http/request_error.ts";
import type { Transport, WireRequest } from "../../src/http/transport.ts";
import { UrlResolver } from "../../src/http/url_resolver.ts";
import { observedTransport, type SampleUser } from "../../src/user/observers.ts";
import { Session } from "../../src/user/session.ts";
import { type Span, Tracing } from "../../src/user/tracing.ts";
import { UserRequests } from "../../src/user/user_requests.ts";
import { type TestContext, testContext } from "../support/users.ts";

const HOST = "http://127.0.0.1:8000";

/** Answers after 5 ms of virtual time: `/old` redirects, `/hang` is never answered, `/reset` fails. */
class Answering implements Transport {
  readonly sent: string[] = [];
  readonly #hanging: WireRequest[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  exchange(request: WireRequest): void {
    const { pathname } = request.url;
    const header = request.headers.filter(([name]) => name.toLowerCase() === "traceparent");
    this.sent.push(`${pathname} ${header.map(([, value]) => value).join(" and ")}`);
    if (pathname === "/hang") return void this.#hanging.push(request);
    const { method, url } = request;
    if (pathname === "/reset") {
      return request.failed(new RequestError("ECONNRESET", method, url.href, "reset"));
    }
    request.received({
      status: pathname === "/old" ? 302 : pathname === "/bad" ? 503 : 200,
      headers: new Headers(),
      setCookies: [],
      locations: () => pathname === "/old" ? ["/new"] : [],
      contentCoding: () => null,
      bytesReceived: 2,
      bytesSent: 0,
      endedAt: this.#now() + 5,
      bytes: () => new Uint8Array(2),
      text: () => "ok",
    });
  }

  abort(): void {
    for (const { method, url, failed } of this.#hanging.splice(0).map(bound)) {
      failed(new RequestError("ABORTED", method, url.href, "aborted"));
    }
  }

  close(): void {
    this.abort();
  }
}

function bound(request: WireRequest): Pick<WireRequest, "method" | "url" | "failed"> {
  return { ...request, method: request.method, url: request.url, failed: (e) => request.failed(e) };
}

interface Scene extends TestContext {
  readonly session: Session;
  readonly transport: Answering;
  readonly tracing: Tracing;
  readonly spans: Span[];
  /** Starts the next iteration of the user. */
  iterate(): void;
}

function scene(share = 1): Scene {
  const spans: Span[] = [];
  let tracing: Tracing | null = null;
  const observer = {
    wants: (...all: Parameters<Tracing["wants"]>) => tracing!.wants(...all),
    sending: (...all: Parameters<Tracing["sending"]>) => tracing!.sending(...all),
    ended: (...all: Parameters<Tracing["ended"]>) => tracing!.ended(...all),
    counted: (...all: Parameters<Tracing["counted"]>) => tracing!.counted(...all),
  };
  const observers = { requests: [observer], exchanges: [observer] };
  const test = testContext({ observers });
  const { clock, context } = test;
  tracing = new Tracing({ share, clock, onSpan: (span) => spans.push(span) });
  const transport = new Answering(() => clock.now());
  const user = { ...context, signal: new AbortController().signal };
  const session = new Session(observedTransport(transport, "ShopTest", user), user, {
    userClass: "ShopTest",
    host: HOST,
    urls: new UrlResolver(HOST),
    timeout: 60,
    maxRedirects: 20,
  });
  const iterate = (): void => void context.progress.iterations++;
  return { ...test, session, transport, tracing, spans, iterate };
}

function summaryOf(span: Span): string {
  const { name, durationMs, error, attributes } = span;
  return [name, `${durationMs} ms`, error ?? "ok", attributes["error.type"] ?? ""].join(", ");
}

Deno.test("requests of an iteration share a trace, and each stage has one of its own", async () => {
  const { session, transport, iterate, tracing, spans, context, recorded } = scene();
  await session.get("/login");
  iterate();
  await session.get("/a");
  await session.get("/b");
  iterate();
  await session.get("/a");
  context.progress.isStopping = true;
  await session.get("/logout");
  const [login, a, b, again, logout] = transport.sent.map((line) =>
    /^\S+ 00-([\da-f]{32})-([\da-f]{16})-01$/.exec(line)!
  );
  assert.equal(a![1], b![1]);
  assert.equal(new Set([login, a, again, logout].map((one) => one![1])).size, 4);
  assert.equal(new Set([login, a, b, again, logout].map((one) => one![2])).size, 5);
  // A trace ends with the first request of the next one.
  assert.deepEqual(spans.map(({ name }) => name), [
    "GET /login",
    "ShopTest onStart",
    "GET /a",
    "GET /b",
    "ShopTest iteration",
    "GET /a",
    "ShopTest iteration",
    "GET /logout",
  ]);
  assert.deepEqual(
    recorded.traced.map(({ traceId }) => traceId),
    [login, a, b, again, logout].map((one) => one![1]),
  );
  tracing.closeAll();
  assert.equal(spans.at(-1)!.name, "ShopTest onStop");
  assert.equal(spans[2]!.parentId, spans[4]!.spanId);
  assert.equal(spans[2]!.spanId, a![2]);
});

Deno.test("the span of an iteration is made once it is over and nothing is in progress", async () => {
  const { session, iterate, tracing, spans, context } = scene();
  iterate();
  await session.get("/a");
  tracing.closeEnded();
  assert.equal(spans.length, 1);
  iterate();
  tracing.closeEnded();
  assert.equal(spans.length, 2);
  void session.get("/hang");
  context.requests.close(0);
  tracing.closeEnded();
  assert.equal(spans.length, 2);
  session.close();
  tracing.closeEnded();
  assert.deepEqual(
    spans.slice(2).map(({ name, attributes }) => [
      name,
      attributes["aiotest.unfinished"] ?? false,
    ]),
    [["GET /hang", true], ["ShopTest iteration", false]],
  );
});

Deno.test("redirects are spans of their own; failures are those of the last one", async () => {
  const { session, iterate, tracing, spans } = scene();
  iterate();
  await session.get("/old", {}, () => {
    throw new Error("wrong");
  });
  await session.get("/bad");
  await session.get("/reset").catch(() => {});
  tracing.closeAll();
  assert.deepEqual(spans.map(summaryOf), [
    "GET /old, 5 ms, ok, ",
    "GET /old, 0 ms, wrong, check_failed",
    "GET /bad, 5 ms, HTTP 503, 503",
    "GET /reset, 0 ms, ECONNRESET, ECONNRESET",
    "ShopTest iteration, 5 ms, a request has failed, ",
  ]);
  assert.equal(spans[1]!.attributes["http.request.resend_count"], 1);
});

Deno.test("a header of the test file wins, and has no spans", async () => {
  const { session, transport, spans } = scene();
  const own = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-00`;
  await session.get("/a", { headers: { Traceparent: own } });
  session.headers.set("traceparent", "nonsense");
  await session.get("/b");
  assert.deepEqual(transport.sent, [`/a ${own}`, "/b nonsense"]);
  assert.deepEqual(spans, []);
});

Deno.test("what is secret in a URL is not shown", async () => {
  const { session, spans } = scene();
  await session.get("http://me:pw@127.0.0.1:8000/a?access_token=1&q=2&X-Amz-Signature=3");
  await session.request("PURGE", "/b?q=%20");
  assert.deepEqual(spans.map(({ attributes }) => attributes["url.full"]), [
    `${HOST}/a?access_token=REDACTED&q=2&X-Amz-Signature=REDACTED`,
    `${HOST}/b?q=%20`,
  ]);
  assert.equal(spans[1]!.attributes["http.request.method"], "_OTHER");
  assert.equal(spans[1]!.attributes["http.request.method_original"], "PURGE");
});

Deno.test("the share of iterations with a trace is the one asked for, for all users alike", () => {
  const { clock, context } = testContext();
  const tracing = new Tracing({ share: 0.01, clock, onSpan: null });
  const request = {} as WireRequest;
  let wanted = 0;
  const perUser: number[] = [];
  for (let id = 1; id <= 200; id++) {
    const progress = { iterations: 0, isStopping: false };
    const user: SampleUser = new UserRequests(context.recorder, id, progress);
    const sender = { userClass: "ShopTest", user };
    let own = 0;
    for (; progress.iterations < 1_000; progress.iterations++) {
      if (tracing.wants(request, sender)) own++;
      assert.equal(tracing.wants(request, sender), tracing.wants(request, sender));
    }
    wanted += own;
    perUser.push(own);
  }
  // Eight standard deviations each.
  assert.ok(Math.abs(wanted - 2_000) < 360, `${wanted} of 200,000`);
  assert.ok(Math.max(...perUser) < 40, `${Math.max(...perUser)} of 1,000`);
});
