/**
 * Opens what the nodes of a run share: feeders with their rows, counters, queues, and Redis if it is used.
 *
 * @module
 */

import { AwakeClock } from "../core/awake_clock.ts";
import { type Clock, systemClock, systemRandom } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { urlHost } from "../core/network.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { type LoadedFeeder, readRows } from "../shared/feeders.ts";
import { REDIS_LIMIT_MS, type RedisClient, RedisConnection } from "../shared/redis.ts";
import { SharedServices } from "../shared/services.ts";
import type { Options } from "./options.ts";
import { dataFolders } from "./test_bundle.ts";

/** The parts of a Redis URL. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** `null`: the default user. */
  readonly username: string | null;
  readonly password: string | null;
  /** The number of the database. */
  readonly database: number;
}

const DEFAULT_PORT = 6379;

/**
 * Parses a Redis URL.
 *
 * @throws UsageError if it is invalid. The message does not quote it: it may contain a password.
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
        port: port === "" ? DEFAULT_PORT : Number(port),
        tls: protocol === "rediss:",
        username: username === "" ? null : decodeURIComponent(username),
        password: password === "" ? null : decodeURIComponent(password),
        database: Number(database),
      };
    }
  } catch {
    // Not a URL, or one with malformed escapes.
  }
  throw new UsageError(
    "--redis: expected a URL like redis://:password@127.0.0.1:6379/0",
    "rediss:// connects over TLS. In a password, write @, / and # as %40, %2F and %23.",
  );
}

/** The part of the package that is used. */
interface RedisPackage {
  createClient(options: object): RedisClient;
}

/** A variable, so that the package is not loaded at every start: most runs do not need it. */
const PACKAGE = "redis";

/** Milliseconds between attempts to reconnect. */
const RECONNECT_MS = 500;

/**
 * Connects to Redis.
 *
 * @throws UsageError if the URL is invalid or Redis cannot be used. It never contains the password.
 */
async function openRedis(url: string, clock: Clock): Promise<RedisConnection> {
  const address = parseRedisUrl(url);
  const host = urlHost(address.host);
  const place = `${host}:${address.port}`;
  const { createClient }: RedisPackage = await import(PACKAGE);
  const connection: RedisConnection = new RedisConnection({
    client: createClient(clientOptions(address, () => connection.reconnects)),
    address: place,
    clock,
    info: (text) => logger.info(text),
    error: (text) => logger.error(text),
  });
  try {
    await connection.open();
  } catch (error) {
    throw new UsageError(
      `Redis at ${place} cannot be used: ${errorText(error)}`,
      "Check the address and the password in --redis.",
    );
  }
  return connection;
}

function clientOptions(
  { host, port, tls, username, password, database }: RedisAddress,
  reconnects: () => boolean,
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
      // Without any data for this long, the connection is considered lost, so pings are needed.
      socketTimeout: REDIS_LIMIT_MS,
      // Before the run, an error is reported at once; during the run, the client reconnects.
      reconnectStrategy: () => reconnects() ? RECONNECT_MS : false,
    },
    pingInterval: REDIS_LIMIT_MS / 2,
    // While Redis is unreachable, calls fail at once; queued calls would all be sent at the same moment.
    disableOfflineQueue: true,
  };
}

/**
 * Reads the rows of all feeders that the test file has created.
 *
 * @param testFile its path, as given.
 * @throws UsageError if rows cannot be read.
 */
export async function loadFeeders(host: Host, testFile: string): Promise<LoadedFeeder[]> {
  const folders = dataFolders(host, testFile);
  const feeders: LoadedFeeder[] = [];
  for (const feeder of nodeCluster.feeders) {
    feeders.push({ ...feeder, rows: await readRows(host, folders, feeder) });
  }
  return feeders;
}

/** The shared services of a run, until they are closed. */
export interface OpenSharedServices {
  readonly services: SharedServices;
  close(): void;
}

/**
 * Opens the shared services, with the rows of all feeders that the test file has created.
 *
 * @throws UsageError if rows cannot be read or Redis cannot be used.
 */
export async function openSharedServices(
  host: Host,
  { aiotestfile, redis: redisUrl, iterations }: Pick<
    Options,
    "aiotestfile" | "redis" | "iterations"
  >,
): Promise<OpenSharedServices> {
  const feeders = await loadFeeders(host, aiotestfile);
  // A node that was suspended first handles what has arrived, such as the users of a rendezvous.
  const clock = new AwakeClock(systemClock);
  const redis = redisUrl === null ? null : await openRedis(redisUrl, clock);
  clock.start();
  return {
    services: new SharedServices({
      feeders,
      clock,
      random: systemRandom,
      redis,
      iterations,
    }),
    close: () => {
      redis?.close();
      clock.stop();
    },
  };
}
