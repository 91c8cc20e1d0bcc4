// Accounts in Redis, shared by the users of all workers: each account is used once. See docs/redis.md.
import { constant, events, FastHttpUser, logger, UserEnd } from "aiotest";
import { createClient } from "redis";

const LIST = "userdata";

/** Timeout of every Redis operation, in milliseconds. */
const LIMIT_MS = 3_000;

interface Account {
  readonly username: string;
  readonly password: string;
}

interface Accounts {
  /** Removes an account from the list and returns it. */
  take(): Promise<Account>;
  close(): void;
}

let accounts: Accounts | undefined;

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--redis-host <host>", "host name of Redis", "127.0.0.1");
  parser.option("--redis-port <port>", "port of Redis", "6379");
});

// All users of a process share one connection. The master runs no users.
events.on("init", async ({ options, node }) => {
  if (node === "master") return;
  const { redisHost: host, redisPort: port } = options;
  try {
    accounts = await openAccounts(String(host), Number(port));
  } catch (error) {
    // Without accounts, the test would be meaningless.
    logger.fatal(`Redis at ${host}:${port} cannot be used: ${messageOf(error)}`);
    Deno.exit(2);
  }
});

events.on("quitting", () => accounts?.close());

async function openAccounts(host: string, port: number): Promise<Accounts> {
  const place = `Redis at ${host}:${port}`;
  let state: "new" | "there" | "away" | "closed" = "new";
  let empty = false;
  const redis = createClient({
    // Not an option: other users of the machine can see arguments, and the master sends options to workers.
    password: Deno.env.get("REDIS_PASSWORD"),
    socket: {
      host,
      port,
      connectTimeout: LIMIT_MS,
      // Without any data for this long, the connection is considered lost, so pings are needed.
      socketTimeout: LIMIT_MS,
      // Before the test, an error is reported at once; during the test, the client reconnects.
      reconnectStrategy: () => state === "new" ? false : 500,
    },
    pingInterval: LIMIT_MS / 2,
    // While Redis is unreachable, calls fail at once; queued calls would all be sent at the same moment.
    disableOfflineQueue: true,
  });
  // Without a listener, an "error" event would end the process. Every failed reconnect emits one.
  redis.on("error", (error) => {
    if (state === "there") {
      state = "away";
      logger.error(`${place} is away: ${messageOf(error)}`);
    }
  });
  redis.on("ready", () => {
    if (state === "away") logger.info(`${place} is back.`);
    state = "there";
  });
  await within(LIMIT_MS, redis.connect());
  return {
    async take(): Promise<Account> {
      const text = await within(LIMIT_MS, redis.lPop(LIST)).catch((error) => {
        throw new Error(`${place} gives no account: ${messageOf(error)}`);
      });
      if (text !== null) return JSON.parse(text);
      if (!empty) {
        logger.warn(`${place} has no account left in the list ${LIST}: users without one end.`);
      }
      empty = true;
      throw new UserEnd();
    },
    close(): void {
      state = "closed";
      redis.destroy();
    },
  };
}

/** Adds a timeout, because the client has none for commands that have been sent. */
function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<T>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class ShopTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = constant(1);
  account?: Account;
  token = "";

  // If this throws, it is counted and called again later; the account is taken only once.
  override async onStart(): Promise<void> {
    this.account ??= await accounts!.take();
    const res = await this.session.post("/login", { json: this.account });
    this.token = (await res.json()).token;
  }

  async testOrders(): Promise<void> {
    await this.session.get("/orders", { headers: { authorization: this.token } });
  }
}
