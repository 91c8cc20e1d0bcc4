import assert from "node:assert/strict";
import { parseRedisUrl, type RedisAddress } from "../../src/cli/shared_services.ts";
import { UsageError } from "../../src/core/errors.ts";

const PLAIN: RedisAddress = {
  host: "box",
  port: 6379,
  tls: false,
  username: null,
  password: null,
  database: 0,
};

const GOOD: [url: string, changes: Partial<RedisAddress>][] = [
  ["redis://box", {}],
  ["redis://box/", {}],
  ["redis://box:7000", { port: 7000 }],
  ["redis://box/3", { database: 3 }],
  ["rediss://box:6380/1", { tls: true, port: 6380, database: 1 }],
  ["redis://:p%40ss%2Fword@box", { password: "p@ss/word" }],
  ["redis://ada:secret@127.0.0.1:1/15", {
    username: "ada",
    password: "secret",
    host: "127.0.0.1",
    port: 1,
    database: 15,
  }],
  ["redis://[::1]:7000", { host: "::1", port: 7000 }],
];

for (const [url, changes] of GOOD) {
  Deno.test(`${url} is understood`, () => {
    assert.deepEqual(parseRedisUrl(url), { ...PLAIN, ...changes });
  });
}

const BAD = [
  "box",
  "box:6379",
  "http://:secret@box",
  "redis://",
  "redis:///0",
  "redis://:secret@",
  "redis://:secret@box:70000",
  "redis://:secret@box/shop",
  "redis://:secret@box/0/1",
  "redis://:secret@box?db=1",
  "redis://:se#cret@box",
  "redis://:secret%E0@box",
  "unix:///tmp/redis.sock",
];

for (const url of BAD) {
  Deno.test(`${url} is refused, and not repeated`, () => {
    assert.throws(() => parseRedisUrl(url), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(
        error.message,
        "--redis: expected a URL like redis://:password@127.0.0.1:6379/0",
      );
      assert.doesNotMatch(`${error.message}${error.hint}${error.stack}`, /secret|cret/);
      assert.equal(error.cause, undefined);
      return true;
    });
  });
}
