// Test data for each user: every user gets its own account, on whatever worker it runs.
import { cluster, FastHttpUser, logger } from "aiotest";

interface Account {
  readonly name: string;
  readonly password: string;
}

// To read them from a file: cluster.feeder<Account>("accounts", csv("accounts.csv"), …).
const rows: Account[] = Array.from({ length: 100 }, (_, n) => ({
  name: `user${n}`,
  password: `secret${n}`,
}));
const accounts = cluster.feeder("accounts", rows);
const searches = cluster.feeder("searches", ["F22", "lamp", "chair"], { mode: "circular" });

export class AccountTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.2;

  #name = "";

  override async onStart(): Promise<void> {
    // There are 100 accounts: the 101st user gets none and is stopped.
    const { name, password } = await accounts.next();
    await this.session.post("/login", { json: { name, password } });
    this.#name = name;
  }

  override onStop(): void {
    if (this.#name !== "") logger.debug(`${this.#name} goes.`);
  }

  async testSearch(): Promise<void> {
    await this.session.get("/search", { params: { q: await searches.next() }, name: "search" });
  }
}
