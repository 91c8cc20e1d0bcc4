import assert from "node:assert/strict";
import { TokenGate } from "../../src/web/security.ts";
import { FakeClock } from "../support/fake_clock.ts";

function gate(token: string | null): TokenGate {
  return new TokenGate(token, new FakeClock(), () => {});
}

function withCookie(cookie: string): Headers {
  return new Headers({ Cookie: cookie.split(";")[0]! });
}

Deno.test("without a token everybody is admitted", () => {
  const open = gate(null);
  assert.equal(open.hasToken, false);
  assert.equal(open.admit(new Headers(), "10.0.0.1").kind, "admitted");
});

Deno.test("the token is taken as a bearer's, however that is written", () => {
  const closed = gate("Grüße 1");
  const kind = (authorization: string): string =>
    closed.admit(new Headers({ Authorization: authorization }), "10.0.0.1").kind;
  assert.equal(
    gate("a b").admit(new Headers({ Authorization: "bearer  a b" }), "x").kind,
    "admitted",
  );
  assert.equal(kind("Bearer a"), "unknown");
  assert.equal(kind("Bearer"), "unknown");
  assert.equal(closed.tryToken("Grüße 1", "10.0.0.1").kind, "admitted");
  assert.equal(closed.tryToken("Gruße 1", "10.0.0.1").kind, "unknown");
});

Deno.test("wrong cookies are held against nobody", () => {
  const closed = gate("secret");
  for (let count = 0; count < 100; count++) {
    const headers = withCookie(`aiotest=${count}`);
    assert.deepEqual(closed.admit(headers, "10.0.0.1"), { kind: "unknown" });
  }
  assert.deepEqual(closed.tryToken("secret", "10.0.0.1"), { kind: "admitted" });
});

Deno.test("a browser with a session is admitted even where its address is slowed", () => {
  const closed = gate("secret");
  const session = withCookie(closed.openSession(false));
  for (let count = 0; count < 10; count++) closed.tryToken("wrong", "10.0.0.1");
  assert.deepEqual(closed.tryToken("secret", "10.0.0.1"), { kind: "slowed", seconds: 60 });
  assert.deepEqual(closed.admit(session, "10.0.0.1"), { kind: "admitted" });
});

Deno.test("a thousand browsers have a session, and the first one then loses its own", () => {
  const closed = gate("secret");
  const first = withCookie(closed.openSession(false));
  for (let count = 0; count < 999; count++) closed.openSession(false);
  assert.equal(closed.admit(first, "10.0.0.1").kind, "admitted");
  closed.openSession(false);
  assert.equal(closed.admit(first, "10.0.0.1").kind, "unknown");
});
