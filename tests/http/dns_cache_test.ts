import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import { DNS_TTL_MS, DnsCache } from "../../src/http/dns_cache.ts";
import { WireError } from "../../src/http/request_error.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A cache whose queries are counted and answered by the test. */
function cacheWith(
  clock: FakeClock,
  answer: () => Promise<readonly string[]>,
  ttlMs = DNS_TTL_MS,
): {
  cache: DnsCache;
  queries: string[];
} {
  const queries: string[] = [];
  const cache = new DnsCache(clock, ttlMs, (hostname) => {
    queries.push(hostname);
    return answer();
  });
  return { cache, queries };
}

async function failureOf(promise: Promise<unknown>): Promise<WireError> {
  const error: unknown = await promise.catch((error: unknown) => error);
  assert.ok(error instanceof WireError);
  return error;
}

Deno.test("simultaneous lookups of a name share one query, and the answer is cached for 5 s", async () => {
  const clock = new FakeClock();
  const answer = Promise.withResolvers<readonly string[]>();
  const { cache, queries } = cacheWith(clock, () => answer.promise);

  const first = cache.lookup("a.test");
  await clock.advance(60_000);
  const second = cache.lookup("a.test");
  const other = cache.lookup("b.test");
  assert.deepEqual(queries, ["a.test", "b.test"]);

  answer.resolve(["127.0.0.1", "::1", "127.0.0.1"]);
  assert.deepEqual(await Promise.all([first, second, other]), Array(3).fill(["127.0.0.1", "::1"]));
  await clock.advance(4_999);
  assert.deepEqual(await cache.lookup("a.test"), ["127.0.0.1", "::1"]);
  assert.equal(queries.length, 2);
  await clock.advance(1);
  assert.deepEqual(await cache.lookup("a.test"), ["127.0.0.1", "::1"]);
  assert.equal(queries.length, 3);
});

Deno.test("with a time of 0, each lookup asks; with Infinity, only the first one", async () => {
  const clock = new FakeClock();
  const answers = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
  const next = (): Promise<readonly string[]> => Promise.resolve([answers.shift()!]);
  const { cache } = cacheWith(clock, next, 0);
  const both = await Promise.all([cache.lookup("a.test"), cache.lookup("a.test")]);
  assert.deepEqual(both, [["127.0.0.1"], ["127.0.0.2"]]);
  assert.deepEqual(await cache.lookup("a.test"), ["127.0.0.3"]);

  const { cache: forever, queries } = cacheWith(clock, () => Promise.resolve(["::1"]), Infinity);
  await forever.lookup("a.test");
  await clock.advance(90 * 86_400_000);
  assert.deepEqual(await forever.lookup("a.test"), ["::1"]);
  assert.equal(queries.length, 1);
});

Deno.test("when the time is over, a changed answer replaces the old one", async () => {
  const clock = new FakeClock();
  let answer = ["127.0.0.1", "127.0.0.2"];
  const { cache } = cacheWith(clock, () => Promise.resolve(answer), 1_000);
  await cache.lookup("a.test");
  answer = ["127.0.0.3"];
  await clock.advance(999);
  assert.deepEqual(await cache.lookup("a.test"), ["127.0.0.1", "127.0.0.2"]);
  await clock.advance(1);
  assert.deepEqual(await cache.lookup("a.test"), ["127.0.0.3"]);
});

Deno.test("of over a thousand names, the one that was looked up first is forgotten", async () => {
  const clock = new FakeClock();
  const { cache, queries } = cacheWith(clock, () => Promise.resolve(["127.0.0.1"]));
  for (let i = 0; i < 1000; i++) await cache.lookup(`${i}.test`);
  await cache.lookup("0.test");
  assert.equal(queries.length, 1000);
  await cache.lookup("1000.test");
  await cache.lookup("1.test");
  assert.equal(queries.length, 1001);
  await cache.lookup("0.test");
  assert.equal(queries.length, 1002);
});

Deno.test("a failed lookup is shared by those that wait, and not cached", async () => {
  const clock = new FakeClock();
  const { cache, queries } = cacheWith(clock, () => Promise.reject(new Error("no server answers")));
  const failures = await Promise.all(
    [cache.lookup("a.test"), cache.lookup("a.test")].map(failureOf),
  );
  assert.equal(queries.length, 1);
  assert.equal(failures[0], failures[1]);
  assert.equal(failures[0]!.code, "ENOTFOUND");
  assert.equal(
    failures[0]!.message,
    "the lookup of a.test failed: no server answers",
  );
  await failureOf(cache.lookup("a.test"));
  assert.equal(queries.length, 2);
});

Deno.test("an answer without addresses is a failure", async () => {
  const { cache } = cacheWith(new FakeClock(), () => Promise.resolve([]));
  const { code, message } = await failureOf(cache.lookup("a.test"));
  assert.equal(code, "ENOTFOUND");
  assert.equal(message, "the name a.test has no address");
});

Deno.test("addresses are not looked up", async () => {
  const { cache, queries } = cacheWith(new FakeClock(), () => Promise.resolve(["127.0.0.9"]));
  assert.deepEqual(await cache.lookup("127.0.0.1"), ["127.0.0.1"]);
  assert.deepEqual(await cache.lookup("::1"), ["::1"]);
  assert.deepEqual(queries, []);
});

Deno.test("the system knows localhost, and no name under .invalid", async () => {
  const cache = new DnsCache(systemClock);
  assert.ok((await cache.lookup("localhost")).includes("127.0.0.1"));
  const { code, message } = await failureOf(cache.lookup("nothing.invalid"));
  assert.equal(code, "ENOTFOUND");
  assert.match(
    message,
    /^the (name nothing\.invalid has no address|lookup of nothing\.invalid failed)/,
  );
});
