import assert from "node:assert/strict";
import { RequestError } from "../../src/http/request_error.ts";
import type { Transport, WireRequest } from "../../src/http/transport.ts";
import { UrlResolver } from "../../src/http/url_resolver.ts";
import {
  type ExchangeObserver,
  NO_OBSERVERS,
  observedTransport,
  type Observers,
  type RequestObserver,
} from "../../src/user/observers.ts";
import { Session } from "../../src/user/session.ts";
import { User } from "../../src/user/user.ts";
import { type TestContext, testContext } from "../support/users.ts";

const HOST = "http://127.0.0.1:8000";

/** Answers at once: `/old` redirects to `/new`, `/reset` fails. */
class Answering implements Transport {
  readonly sent: string[] = [];

  exchange(request: WireRequest): void {
    const headers = request.headers.map(([name, value]) => `${name}: ${value}`);
    this.sent.push([`${request.method} ${request.url.pathname}`, ...headers].join(", "));
    if (request.url.pathname === "/reset") {
      return request.failed(
        new RequestError("ECONNRESET", request.method, request.url.href, "reset"),
      );
    }
    const isOld = request.url.pathname === "/old";
    request.received({
      status: isOld ? 302 : 200,
      headers: new Headers(),
      setCookies: [],
      locations: () => isOld ? ["/new"] : [],
      contentCoding: () => null,
      bytesReceived: 2,
      bytesSent: 0,
      endedAt: 5,
      bytes: () => new Uint8Array(2),
      text: () => "ok",
    });
  }

  abort(): void {}

  close(): void {}
}

function scene(observers: Observers): TestContext & { session: Session; transport: Answering } {
  const context = testContext({ observers });
  const transport = new Answering();
  const user = { ...context.context, signal: new AbortController().signal };
  const session = new Session(observedTransport(transport, "ShopTest", user), user, {
    userClass: "ShopTest",
    host: HOST,
    urls: new UrlResolver(HOST),
    timeout: 60,
    maxRedirects: 20,
  });
  return { ...context, session, transport };
}

/** Notes each counted request as text, with its exchanges. */
function noting(lines: string[]): RequestObserver {
  return {
    counted: ({ sample, userClass, user, details }) => {
      const exchanges = (details.exchanges ?? []).map(({ method, url, response, error }) =>
        `${method} ${url.pathname} ${response?.status ?? error?.code}`
      );
      lines.push(
        `${userClass} ${user.id}.${user.iteration} ${sample.method} ${sample.name} ` +
          `${sample.status} ${details.requestedUrl} [${details.groupName}] ${
            exchanges.join(" → ")
          }`,
      );
    },
  };
}

const ALL: ExchangeObserver = { wants: () => true };

Deno.test("without observers of exchanges, a session has its own transport", () => {
  const { context } = testContext();
  const transport = new Answering();
  assert.equal(observedTransport(transport, "ShopTest", context), transport);
});

Deno.test("a counted request has its user, the first URL and all of its exchanges", async () => {
  const lines: string[] = [];
  const { session } = scene({ requests: [noting(lines)], exchanges: [ALL] });
  await session.get("/old");
  await session.get("/reset").catch(() => {});
  await session.get("/new");
  assert.deepEqual(lines, [
    `ShopTest 1.0 GET /old 200 ${HOST}/old [] GET /old 302 → GET /new 200`,
    `ShopTest 1.0 GET /reset 0 ${HOST}/reset [] GET /reset ECONNRESET`,
    // The session uses the same object as for the first one.
    `ShopTest 1.0 GET /new 200 ${HOST}/new [] GET /new 200`,
  ]);
});

Deno.test("an invalid URL is counted without one", async () => {
  const lines: string[] = [];
  const { session } = scene({ requests: [noting(lines)], exchanges: [] });
  await session.get("http://[", { name: "broken" }).catch(() => {});
  assert.deepEqual(lines, ["ShopTest 1.0 GET broken 0  [] "]);
});

Deno.test("only exchanges that an observer wants are observed, and it can add headers", async () => {
  const lines: string[] = [];
  const seen: string[] = [];
  const observer: ExchangeObserver = {
    wants: ({ url }, { userClass, user }) => {
      seen.push(`wants ${userClass} ${user.id} ${url.pathname}`);
      return url.pathname === "/new";
    },
    sending: (exchange) => {
      exchange.headers = [...exchange.headers, ["traceparent", "00-1-2-01"]];
    },
    ended: ({ url, response }) => void seen.push(`ended ${url.pathname} ${response?.status}`),
  };
  const { session, transport } = scene({ requests: [noting(lines)], exchanges: [observer] });
  await session.get("/old");
  assert.deepEqual(transport.sent, ["GET /old", "GET /new, traceparent: 00-1-2-01"]);
  assert.deepEqual(seen, ["wants ShopTest 1 /old", "wants ShopTest 1 /new", "ended /new 200"]);
  assert.deepEqual(lines, [`ShopTest 1.0 GET /old 200 ${HOST}/old [] GET /new 200`]);
});

Deno.test("steps and measurements have the group that they belong to", async () => {
  const lines: string[] = [];
  const { context } = testContext({
    observers: { ...NO_OBSERVERS, requests: [noting(lines)] },
  });
  const user = new User({ ...context, signal: new AbortController().signal });
  user.record({ name: "before", latencyMs: 1 });
  await user.group("checkout", async () => {
    await user.measure("pay", () => {});
    await user.group("mail", () => user.record({ name: "send", latencyMs: 1 }));
  });
  await user.measure("after", () => {});
  assert.deepEqual(lines, [
    "ShopTest 1.0 TASK before 0  [] ",
    "ShopTest 1.0 TASK pay 0  [checkout] ",
    "ShopTest 1.0 TASK send 0  [checkout / mail] ",
    "ShopTest 1.0 TASK after 0  [] ",
  ]);
});
