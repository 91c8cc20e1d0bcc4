import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { type ConnectionOptions, DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { DEFAULT_TLS } from "../../src/net/tls_settings.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { AsyncHttpUser, HttpUser } from "../../src/user/http_user.ts";
import { checkOptions, User, type UserClass } from "../../src/user/user.ts";
import { Target } from "../support/target.ts";
import { testContext } from "../support/users.ts";

class ShopTest extends HttpUser {
  static override timeout = 2;
}

Deno.test("a user sends requests to its host, and closes its connections at its end", async () => {
  await using target = new Target({ "/search": () => new Response("found") });
  const { context, recorded } = testContext({ host: target.url });
  const user = new ShopTest({ ...context, signal: new AbortController().signal });
  const res = await user.session.get("/search", { params: { q: "F22" } });
  assert.equal(await res.text(), "found");
  assert.equal(target.last.query.get("q"), "F22");
  assert.deepEqual(recorded.samples.map(({ name, status }) => [name, status]), [["/search", 200]]);
  user[Symbol.dispose]();
});

Deno.test("the timeout of a user class applies to its requests", async () => {
  const { context, clock, recorded } = testContext();
  await using target = new Target({
    "/": async () => {
      await clock.advance(2000);
      return new Response("late");
    },
  });
  const signal = new AbortController().signal;
  const user = new ShopTest({ ...context, host: target.url, signal });
  await assert.rejects(user.session.get("/"), { code: "TIMEOUT" });
  assert.equal(recorded.samples[0]!.latencyMs, 2000);
  user[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("the default timeout is 60 seconds, and the other name is the same class", () => {
  assert.equal(HttpUser.timeout, 60);
  assert.equal(AsyncHttpUser, HttpUser);
});

class WebTest extends FastHttpUser {
  static override host = "https://127.0.0.1:8443/base";
}

class AnywhereTest extends FastHttpUser {}

class QueueTest extends User {
  static override host = "queue:5672";
}

class WrongTest extends HttpUser {
  static override host = "127.0.0.1:8000";
}

const URL_EXPECTED = "expected a URL that starts with http:// or https://";

/** The error of a class with these options, or `null`. */
/** What an invalid host was probably meant to be. */
function hostHint(host: string): string {
  const connections = DEFAULT_CONNECTIONS;
  try {
    WebTest[checkOptions]({ name: "WebTest", host, connections });
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.hint;
  }
  throw new Error("it was accepted");
}

for (
  const [host, meant] of [
    ["localhost:8000", "http://localhost:8000"],
    ["localhost/shop", "http://localhost/shop"],
    ["//localhost", "http://localhost"],
    ["htp://localhost", "http://localhost"],
    ["htps://localhost", "https://localhost"],
    ["http:/localhost", "http://localhost"],
    ["https//localhost", "https://localhost"],
    [" http://localhost ", "http://localhost"],
    ["user:secret@localhost", "http://…@localhost"],
  ] as const
) {
  Deno.test(`the host ${JSON.stringify(host)} was probably meant as ${meant}`, () => {
    assert.equal(hostHint(host), `Did you mean ${meant}?`);
  });
}

Deno.test("a host that cannot be guessed gets no hint, and no password is shown", () => {
  for (const host of ["http://", "http://a b", "http://h:99999"]) assert.equal(hostHint(host), "");
  assert.match(problem(WebTest, "http://ann:secret@h:x")!, /--host http:\/\/…@h:x: expected/);
});

Deno.test("a host can have a path, but no query and fragment", () => {
  assert.equal(problem(WebTest, "http://127.0.0.1/shop/"), null);
  for (const host of ["http://127.0.0.1/?q=1", "http://127.0.0.1#top"]) {
    assert.match(problem(WebTest, host)!, /expected a URL without a query and fragment/);
    assert.match(hostHint(host), /option params/);
  }
});

function problem(
  userClass: UserClass,
  host: string | null,
  options: Partial<ConnectionOptions> = {},
): string | null {
  try {
    const connections = { ...DEFAULT_CONNECTIONS, ...options };
    userClass[checkOptions]({ name: userClass.name, host, connections });
    return null;
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
}

Deno.test("HTTP classes need a URL or no host, other classes accept any host", () => {
  for (const one of [WebTest, AnywhereTest, QueueTest]) assert.equal(problem(one, null), null);
  for (const one of [WebTest, WrongTest]) assert.equal(problem(one, "http://127.0.0.1"), null);
  assert.equal(problem(QueueTest, "queue:5672"), null);
});

for (const host of ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "localhost"]) {
  Deno.test(`--host ${host} is refused if a class sends HTTP requests`, () => {
    for (const one of [WebTest, ShopTest]) {
      assert.equal(
        problem(one, host),
        `--host ${host}: ${URL_EXPECTED}, because ${one.name} sends HTTP requests`,
      );
    }
  });
}

Deno.test("an invalid host of a class is reported with the class", () => {
  assert.equal(
    problem(WrongTest, null),
    `WrongTest.host is "127.0.0.1:8000": ${URL_EXPECTED}`,
  );
});

const NOT_WITH_FETCH: [flag: string, options: Partial<ConnectionOptions>, reason: string][] = [
  ["--insecure", { tls: { ...DEFAULT_TLS, insecure: true } }, "always verifies certificates"],
  ["--local-address", { localAddresses: ["10.0.0.2"] }, "chooses the local address itself"],
  [
    "--connect-to",
    { connectTo: [{ host: "a", port: 80, toHost: "b", toPort: 80 }] },
    "connects to the URL's host",
  ],
  ["--dns", { dns: "rotate" }, "chooses the address itself"],
  ["--dns-ttl", { dnsTtlMs: 0 }, "looks up names for each connection"],
];

for (const [flag, options, reason] of NOT_WITH_FETCH) {
  Deno.test(`${flag} is refused for HttpUser only`, () => {
    assert.equal(problem(QueueTest, null, options), null);
    assert.equal(problem(WebTest, null, options), null);
    assert.equal(
      problem(ShopTest, null, options),
      `${flag}: ShopTest is an HttpUser, and native fetch ${reason}`,
    );
  });
}

Deno.test("the headers of a class are sent by all of its users", async () => {
  await using target = new Target({ "/": () => new Response("x") });
  const { context } = testContext({ host: target.url });
  const { signal } = new AbortController();
  for (const base of [HttpUser, FastHttpUser]) {
    class HeaderTest extends (base as typeof HttpUser) {
      static override headers = { "accept-language": "de" };
    }
    const users = [1, 2].map((id) => new HeaderTest({ ...context, id, signal }));
    users[0]!.session.headers.set("accept-language", "fr");
    const seen: (string | null)[] = [];
    for (const { session } of users) {
      await session.get("/");
      seen.push(target.last.headers.get("accept-language"));
    }
    assert.deepEqual(seen, ["fr", "de"]);
    for (const user of users) user[Symbol.dispose]();
  }
});

Deno.test("Locust's name of the session says what to write, and can be a user's own", () => {
  const { context } = testContext();
  const { signal } = new AbortController();
  for (const base of [HttpUser, FastHttpUser]) {
    const user = new (base as typeof HttpUser)({ ...context, signal });
    assert.throws(() => Reflect.get(user, "client"), {
      name: "TypeError",
      message: "this.client is not part of aiotest: use this.session",
    });
    Reflect.set(user, "client", 5);
    assert.equal(Reflect.get(user, "client"), 5);
    user[Symbol.dispose]();
    class OwnTest extends (base as typeof HttpUser) {
      client = "own";
    }
    const own = new OwnTest({ ...context, signal });
    assert.equal(own.client, "own");
    own[Symbol.dispose]();
  }
});
