import assert from "node:assert/strict";
import { RequestError } from "../../src/http/request_error.ts";
import type { Transport, WireRequest } from "../../src/http/transport.ts";
import { UrlResolver } from "../../src/http/url_resolver.ts";
import { MAX_SAMPLE_BYTES } from "../../src/stats/failure_samples.ts";
import type { FailureSample } from "../../src/stats/stats_delta.ts";
import { FailureSampler, type FailureSamplerOptions } from "../../src/user/failure_sampler.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import { Session } from "../../src/user/session.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testContext } from "../support/users.ts";

/** Answers at once with what a test says. */
class Answering implements Transport {
  status = 200;
  body = "";
  headers: Record<string, string> = {};
  code: "ECONNRESET" | "EMFILE" | null = null;
  decoded = 0;

  exchange(request: WireRequest): void {
    if (this.code !== null) {
      const { method, url } = request;
      return request.failed(new RequestError(this.code, method, url.href, "it broke"));
    }
    const bytes = new TextEncoder().encode(this.body);
    request.received({
      status: this.status,
      headers: new Headers(this.headers),
      setCookies: [],
      locations: () => [],
      contentCoding: () => null,
      bytesReceived: bytes.length,
      bytesSent: 0,
      endedAt: 5,
      bytes: () => {
        this.decoded++;
        return bytes;
      },
      text: () => this.body,
    });
  }

  abort(): void {}

  close(): void {}
}

function scene(
  changes: Partial<FailureSamplerOptions> = {},
): { session: Session; transport: Answering; take(): FailureSample[] } {
  const failures = new FailureSampler({
    clock: new FakeClock(),
    node: "box_1",
    secrets: false,
    perError: 5,
    most: 100,
    ...changes,
  });
  const { context } = testContext({ observers: { ...NO_OBSERVERS, failures } });
  const transport = new Answering();
  const user = { ...context, signal: new AbortController().signal };
  const host = "http://shop";
  const session = new Session(transport, user, {
    userClass: "ShopTest",
    host,
    urls: new UrlResolver(host),
    timeout: 60,
    maxRedirects: 20,
  });
  return { session, transport, take: () => failures.take() };
}

Deno.test("a failed request is kept with what was sent and received, without secrets", async () => {
  const { session, transport, take } = scene();
  Object.assign(transport, { status: 503, body: '{"token":"t0ken","why":"busy"}' });
  transport.headers = { "content-type": "application/json", "set-cookie": "a=b; Path=/" };
  await session.post("/buy?token=x", {
    json: { password: "pw", item: 1 },
    headers: { authorization: "Bearer abc" },
    name: "buy",
  });
  const [{ at: _, ...sample } = assert.fail(), ...others] = take();
  assert.deepEqual(others, []);
  assert.deepEqual(sample, {
    method: "POST",
    name: "buy",
    error: "HTTP 503",
    status: 503,
    url: "http://shop/buy?token=…",
    node: "box_1",
    userClass: "ShopTest",
    user: 1,
    iteration: 0,
    traceId: "",
    sent: [
      "POST /buy?token=…",
      "authorization: Bearer …",
      "content-type: application/json",
      "",
      '{"password":"…","item":1}',
    ].join("\n"),
    received: [
      "HTTP 503",
      "content-type: application/json",
      "set-cookie: a=…; Path=/",
      "",
      '{"token":"…","why":"busy"}',
    ].join("\n"),
  });
  assert.deepEqual(take(), []);
});

Deno.test("bytes of an image are not shown, whatever they are", async () => {
  const { session, transport, take } = scene();
  Object.assign(transport, { status: 500, body: "\u0007\u0007" });
  transport.headers = { "content-type": "image/png" };
  await session.get("/");
  const [{ received } = assert.fail()] = take();
  assert.ok(!received.includes("\u0007") && !received.includes("␇"), received);
  assert.match(received, /image\/png/);
});

Deno.test("requests fail by what their check says, and successes are not kept", async () => {
  const { session, transport, take } = scene();
  await session.get("/ok");
  await session.get("/thrown", {}, () => {
    throw new Error("not found");
  });
  await session.get("/named", {}, (res) => res.failure("too small"));
  transport.status = 404;
  await session.get("/expected", {}, (res) => res.success());
  assert.deepEqual(take().map(({ name, error, status }) => [name, error, status]), [
    ["/thrown", "not found", 200],
    ["/named", "too small", 200],
  ]);
});

Deno.test("a request without a response is kept, but not one that this machine could not send", async () => {
  const { session, transport, take } = scene();
  transport.code = "ECONNRESET";
  await session.get("/reset").catch(() => {});
  transport.code = "EMFILE";
  await session.get("/unsent").catch(() => {});
  await session.get("http://[").catch(() => {});
  assert.deepEqual(take().map(({ name, error, received }) => [name, error, received]), [
    ["/reset", "ECONNRESET", "(ECONNRESET: it broke (GET http://shop/reset))"],
  ]);
});

Deno.test("of each name and error some are kept, and of all no more than the most", async () => {
  const { session, transport, take } = scene({ perError: 2, most: 5 });
  transport.status = 500;
  for (let round = 0; round < 4; round++) {
    for (const path of ["/a", "/b", "/c", "/d"]) await session.get(path);
  }
  assert.deepEqual(take().map(({ name }) => name), ["/a", "/b", "/c", "/d", "/a"]);
  assert.equal(transport.decoded, 0, "empty bodies need no decoding");
});

Deno.test("responses after those that are kept are not read", async () => {
  const { session, transport } = scene({ perError: 1 });
  Object.assign(transport, { status: 500, body: "oops" });
  for (let i = 0; i < 100; i++) await session.get("/a");
  assert.equal(transport.decoded, 1);
});

for (const body of ["x".repeat(100_000), "€".repeat(3000), "😀".repeat(3000)]) {
  Deno.test(`a sample with ${body.slice(0, 2)}… is at most ${MAX_SAMPLE_BYTES} bytes long`, async () => {
    const { session, transport, take } = scene();
    Object.assign(transport, { status: 500, body });
    const headers = { "x-long": "h".repeat(5000) };
    await session.post("/a", { body, headers });
    const [{ sent, received } = assert.fail()] = take();
    const bytes = new TextEncoder().encode(sent + received).length;
    assert.ok(bytes <= MAX_SAMPLE_BYTES, String(bytes));
    assert.ok(bytes > MAX_SAMPLE_BYTES - 20, String(bytes));
    assert.ok(sent.isWellFormed() && received.isWellFormed());
  });
}
