import { UsageError } from "../core/errors.ts";

/** Where Redis is, and as whom to speak to it. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Null: the default user. */
  readonly username: string | null;
  readonly password: string | null;
  /** The number of the database. */
  readonly database: number;
}

const STANDARD_PORT = 6379;

/**
 * Reads the URL of a Redis. What is wrong with one is said without it, as there may be a password in it.
 *
 * ```ts
 * import { parseRedisUrl } from "./redis_url.ts";
 * import assert from "node:assert/strict";
 *
 * const { host, port, password, database } = parseRedisUrl("redis://:s%40crt@box:7000/2");
 * assert.deepEqual([host, port, password, database], ["box", 7000, "s@crt", 2]);
 * ```
 *
 * @throws UsageError where it is none.
 */
export function parseRedisUrl(text: string): RedisAddress {
  try {
    const url = new URL(text);
    const { protocol, hostname, port, username, password, pathname, search, hash } = url;
    const database = /^\/?(\d{0,6})$/.exec(pathname)?.[1];
    const isRedis = protocol === "redis:" || protocol === "rediss:";
    if (isRedis && hostname !== "" && database !== undefined && search + hash === "") {
      return {
        host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1"),
        port: port === "" ? STANDARD_PORT : Number(port),
        tls: protocol === "rediss:",
        username: username === "" ? null : decodeURIComponent(username),
        password: password === "" ? null : decodeURIComponent(password),
        database: Number(database),
      };
    }
  } catch {
    // What cannot be taken apart is no URL.
  }
  throw new UsageError(
    "--redis: a URL like redis://:password@127.0.0.1:6379/0 is needed",
    "rediss:// connects by TLS. In a password, characters like @, / and # are written as %40, %2F and %23.",
  );
}
