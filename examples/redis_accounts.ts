// Accounts in Redis, which the users of all workers share: each is used once. See docs/redis.md.
import { constant, events, FastHttpUser, logger, UserEnd } from "aiotest";
import { createClient } from "redis";

const LIST = "userdata";

/** How long Redis may take for anything, in milliseconds. */
const LIMIT_MS = 3_000;

interface Account {
  readonly username: string;
  readonly password: string;
}

interface Accounts {
  /** Takes one out, for good. */
  take(): Promise<Account>;
  close(): void;
}

let accounts: Accounts | undefined;

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--redis-host <host>", "where the accounts are", "127.0.0.1");
  parser.option("--redis-port <port>", "on which port", "6379");
});

// One connection for all users of a process. The master has no users.
events.on("init", async ({ options, node }) => {
  if (node === "master") return;
  const { redisHost: host, redisPort: port } = options;
  try {
    accounts = await openAccounts(String(host), Number(port));
  } catch (error) {
    // Without accounts, the test would say nothing about the shop.
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
    // Not a flag: everybody on the machine sees those, and the master sends them to the workers.
    password: Deno.env.get("REDIS_PASSWORD"),
    socket: {
      host,
      port,
      connectTimeout: LIMIT_MS,
      // Where nothing is heard for so long, the connection counts as lost: hence the pings.
      socketTimeout: LIMIT_MS,
      // A test that begins is told at once; one that runs waits for Redis to come back.
      reconnectStrategy: () => state === "new" ? false : 500,
    },
    pingInterval: LIMIT_MS / 2,
    // While Redis is away, users fail at once: if they waited, all would come back in one moment.
    disableOfflineQueue: true,
  });
  // If nobody listened to "error", one would end the process. Each attempt to come back emits one.
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

/** The client itself sets no limit to a command that has been sent. */
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

  // If this throws, it is counted, and called again after a while: an account is taken but once.
  override async onStart(): Promise<void> {
    this.account ??= await accounts!.take();
    const res = await this.session.post("/login", { json: this.account });
    this.token = (await res.json()).token;
  }

  async testOrders(): Promise<void> {
    await this.session.get("/orders", { headers: { authorization: this.token } });
  }
}
