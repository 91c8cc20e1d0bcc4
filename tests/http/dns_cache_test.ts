import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import { DnsCache } from "../../src/http/dns_cache.ts";
import { WireError } from "../../src/http/request_error.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A cache whose queries are counted and answered by the test. */
function bookWith(clock: FakeClock, answer: () => Promise<readonly string[]>): {
  book: DnsCache;
  asked: string[];
} {
  const asked: string[] = [];
  const book = new DnsCache(clock, (hostname) => {
    asked.push(hostname);
    return answer();
  });
  return { book, asked };
}

async function failureOf(promise: Promise<unknown>): Promise<WireError> {
  const error: unknown = await promise.catch((error: unknown) => error);
  assert.ok(error instanceof WireError);
  return error;
}

Deno.test("simultaneous lookups of a name share one query, and the answer is cached for 5 s", async () => {
  const clock = new FakeClock();
  const answer = Promise.withResolvers<readonly string[]>();
  const { book, asked } = bookWith(clock, () => answer.promise);

  const first = book.lookup("a.test");
  await clock.advance(60_000);
  const second = book.lookup("a.test");
  const other = book.lookup("b.test");
  assert.deepEqual(asked, ["a.test", "b.test"]);

  answer.resolve(["127.0.0.1", "::1", "127.0.0.1"]);
  assert.deepEqual(await Promise.all([first, second, other]), Array(3).fill(["127.0.0.1", "::1"]));
  await clock.advance(4_999);
  assert.deepEqual(await book.lookup("a.test"), ["127.0.0.1", "::1"]);
  assert.equal(asked.length, 2);
  await clock.advance(1);
  assert.deepEqual(await book.lookup("a.test"), ["127.0.0.1", "::1"]);
  assert.equal(asked.length, 3);
});

Deno.test("a failed lookup is shared by those that wait, and not cached", async () => {
  const clock = new FakeClock();
  const { book, asked } = bookWith(clock, () => Promise.reject(new Error("no server answers")));
  const failures = await Promise.all([book.lookup("a.test"), book.lookup("a.test")].map(failureOf));
  assert.equal(asked.length, 1);
  assert.equal(failures[0], failures[1]);
  assert.equal(failures[0]!.code, "ENOTFOUND");
  assert.equal(
    failures[0]!.message,
    "the lookup of a.test failed: no server answers",
  );
  await failureOf(book.lookup("a.test"));
  assert.equal(asked.length, 2);
});

Deno.test("an answer without addresses is a failure", async () => {
  const { book } = bookWith(new FakeClock(), () => Promise.resolve([]));
  const { code, message } = await failureOf(book.lookup("a.test"));
  assert.equal(code, "ENOTFOUND");
  assert.equal(message, "the name a.test has no address");
});

Deno.test("addresses are not looked up", async () => {
  const { book, asked } = bookWith(new FakeClock(), () => Promise.resolve(["127.0.0.9"]));
  assert.deepEqual(await book.lookup("127.0.0.1"), ["127.0.0.1"]);
  assert.deepEqual(await book.lookup("::1"), ["::1"]);
  assert.deepEqual(asked, []);
});

Deno.test("the system knows localhost, and no name under .invalid", async () => {
  const book = new DnsCache(systemClock);
  assert.ok((await book.lookup("localhost")).includes("127.0.0.1"));
  const { code, message } = await failureOf(book.lookup("nothing.invalid"));
  assert.equal(code, "ENOTFOUND");
  assert.match(
    message,
    /^the (name nothing\.invalid has no address|lookup of nothing\.invalid failed)/,
  );
});
