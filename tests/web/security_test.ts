import assert from "node:assert/strict";
import { Authenticator, LoginRateLimiter } from "../../src/web/security.ts";
import { FakeClock } from "../support/fake_clock.ts";

function gate(token: string | null): Authenticator {
  return new Authenticator(token, new FakeClock(), () => {});
}

function withCookie(cookie: string): Headers {
  return new Headers({ Cookie: cookie.split(";")[0]! });
}

Deno.test("without a token, all clients have access", () => {
  const open = gate(null);
  assert.equal(open.hasToken, false);
  assert.equal(open.authenticate(new Headers(), "10.0.0.1").kind, "granted");
});

Deno.test("the token is accepted as a bearer token, in any capitalization of its scheme", () => {
  const closed = gate("Grüße 1");
  const kind = (authorization: string): string =>
    closed.authenticate(new Headers({ Authorization: authorization }), "10.0.0.1").kind;
  assert.equal(
    gate("a b").authenticate(new Headers({ Authorization: "bearer  a b" }), "x").kind,
    "granted",
  );
  assert.equal(kind("Bearer a"), "denied");
  assert.equal(kind("Bearer"), "denied");
  assert.equal(closed.checkToken("Grüße 1", "10.0.0.1").kind, "granted");
  assert.equal(closed.checkToken("Gruße 1", "10.0.0.1").kind, "denied");
});

Deno.test("wrong cookies do not block an address", () => {
  const closed = gate("secret");
  for (let count = 0; count < 100; count++) {
    const headers = withCookie(`aiotest=${count}`);
    assert.deepEqual(closed.authenticate(headers, "10.0.0.1"), { kind: "denied" });
  }
  assert.deepEqual(closed.checkToken("secret", "10.0.0.1"), { kind: "granted" });
});

Deno.test("a browser with a session has access even if its address is blocked", () => {
  const closed = gate("secret");
  const session = withCookie(closed.openSession(false, "/"));
  for (let count = 0; count < 10; count++) closed.checkToken("wrong", "10.0.0.1");
  assert.deepEqual(closed.checkToken("secret", "10.0.0.1"), { kind: "limited", seconds: 60 });
  assert.deepEqual(closed.authenticate(session, "10.0.0.1"), { kind: "granted" });
});

Deno.test("after a thousand sessions, the oldest one ends", () => {
  const closed = gate("secret");
  const first = withCookie(closed.openSession(false, "/"));
  for (let count = 0; count < 999; count++) closed.openSession(false, "/");
  assert.equal(closed.authenticate(first, "10.0.0.1").kind, "granted");
  closed.openSession(false, "/");
  assert.equal(closed.authenticate(first, "10.0.0.1").kind, "denied");
});

function guessTimes(limit: LoginRateLimiter, address: string, times: number): boolean[] {
  return Array.from({ length: times }, () => limit.recordFailure(address));
}

Deno.test("the tenth wrong token blocks an address, and is reported once", async () => {
  const clock = new FakeClock();
  const limit = new LoginRateLimiter(clock);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 9), Array(9).fill(false));
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 2), [true, false]);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  await clock.advance(59_001);
  assert.equal(limit.secondsLeft("10.0.0.1"), 1);
  await clock.advance(999);
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 10).at(-1), true);
});

Deno.test("the minute starts with the first wrong token", async () => {
  const clock = new FakeClock();
  const limit = new LoginRateLimiter(clock);
  guessTimes(limit, "10.0.0.1", 9);
  await clock.advance(60_000);
  guessTimes(limit, "10.0.0.1", 9);
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
});

Deno.test("an IPv6 network counts as one address", () => {
  const limit = new LoginRateLimiter(new FakeClock());
  for (let count = 0; count < 10; count++) limit.recordFailure(`2001:db8:0:7::${count}`);
  assert.equal(limit.secondsLeft("2001:db8:0:7:9:9:9:9"), 60);
  assert.equal(limit.secondsLeft("2001:db8:0:8::1"), 0);
  guessTimes(limit, "::1", 10);
  assert.equal(limit.secondsLeft("::1"), 60);
  guessTimes(limit, "::ffff:10.0.0.1", 10);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  assert.equal(limit.secondsLeft("10.0.0.2"), 0);
});

Deno.test("the number of remembered addresses is limited", () => {
  const limit = new LoginRateLimiter(new FakeClock());
  guessTimes(limit, "10.0.0.1", 10);
  for (let count = 0; count < 9_999; count++) limit.recordFailure(`a${count}`);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  limit.recordFailure("one more");
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
});
