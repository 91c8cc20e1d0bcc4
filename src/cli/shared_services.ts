import { systemClock, systemRandom } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { readRows } from "../shared/feeders.ts";
import { REDIS_LIMIT_MS, type RedisClient, RedisConnection } from "../shared/redis.ts";
import { SharedServices } from "../shared/services.ts";
import type { Options } from "./options.ts";

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
    "--redis: expected a URL like redis://:password@127.0.0.1:6379/0",
    "rediss:// connects by TLS. In a password, characters like @, / and # are written as %40, %2F and %23.",
  );
}

/** What is used of the package. */
interface RedisPackage {
  createClient(options: object): RedisClient;
}

/** Not a name in the import itself: what most runs do without must not cost every start. */
const PACKAGE = "redis";

/** Milliseconds between attempts to come back. */
const PAUSE_MS = 500;

/**
 * Connects to the Redis of a URL.
 *
 * @throws UsageError where the URL is none, or Redis cannot be used; it never has the password in it.
 */
async function openRedis(url: string): Promise<RedisConnection> {
  const address = parseRedisUrl(url);
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const place = `${host}:${address.port}`;
  const { createClient }: RedisPackage = await import(PACKAGE);
  const connection: RedisConnection = new RedisConnection({
    client: createClient(clientOptions(address, () => connection.comesBack)),
    place,
    clock: systemClock,
    info: (text) => logger.info(text),
    error: (text) => logger.error(text),
  });
  try {
    await connection.open();
  } catch (error) {
    throw new UsageError(
      `Redis at ${place} cannot be used: ${errorText(error)}`,
      "--redis says where it is, and with which password.",
    );
  }
  return connection;
}

function clientOptions(
  { host, port, tls, username, password, database }: RedisAddress,
  comesBack: () => boolean,
): object {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    database,
    socket: {
      host,
      port,
      ...(tls ? { tls } : {}),
      connectTimeout: REDIS_LIMIT_MS,
      // Where nothing is heard for so long, the connection counts as lost: hence the pings.
      socketTimeout: REDIS_LIMIT_MS,
      // A run that is to begin is told at once; one that is on waits for Redis to come back.
      reconnectStrategy: () => comesBack() ? PAUSE_MS : false,
    },
    pingInterval: REDIS_LIMIT_MS / 2,
    // While Redis is away, calls fail at once: if they waited, all would come back in one moment.
    disableOfflineQueue: true,
  };
}

/** What the nodes of a run share, until it is closed. */
export interface OpenSharedServices {
  readonly hub: SharedServices;
  close(): void;
}

/**
 * What the nodes of a run are going to share, with the rows of all feeders that the test file has made.
 *
 * @throws UsageError where rows cannot be read, or Redis cannot be used.
 */
export async function openSharedServices(
  host: Host,
  { redis: redisUrl, iterations }: Pick<Options, "redis" | "iterations">,
): Promise<OpenSharedServices> {
  const feeders = [];
  for (const feeder of nodeCluster.feeders) {
    feeders.push({ ...feeder, rows: await readRows(host, feeder) });
  }
  const redis = redisUrl === null ? null : await openRedis(redisUrl);
  return {
    hub: new SharedServices({
      feeders,
      clock: systemClock,
      random: systemRandom,
      redis,
      iterations: iterations,
    }),
    close: () => redis?.close(),
  };
}
