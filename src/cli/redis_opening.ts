import { REDIS_LIMIT_MS, type RedisClient, RedisConnection } from "../cluster/redis_connection.ts";
import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { parseRedisUrl, type RedisAddress } from "./redis_url.ts";

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
export async function openRedis(url: string): Promise<RedisConnection> {
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
