import assert from "node:assert/strict";
import { AsyncHttpUser, HttpUser, insecureProblem } from "../../src/user/http_user.ts";
import { User } from "../../src/user/user.ts";
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

Deno.test("a user class's timeout holds for its requests", async () => {
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

Deno.test("--insecure is refused for a class that cannot do it, with one that can", () => {
  class QueueTest extends User {}
  assert.equal(insecureProblem(QueueTest), null);
  assert.equal(
    insecureProblem(ShopTest),
    "--insecure: ShopTest is an HttpUser, and native fetch always verifies certificates; " +
      "let it extend FastHttpUser instead, which can accept any",
  );
});
