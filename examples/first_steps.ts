// Tests a web shop. To run it with 10 users for 10 seconds:
//
//     aiotest -u 10 -r 10 -t 10s
import assert from "node:assert/strict";
import { between, FastHttpUser } from "aiotest";

// A user class. It must be exported, and its name must start or end with Test.
export class ShopTest extends FastHttpUser {
  // The target. Put the address of your service here, like "https://shop.example".
  // To override it for a single run, use -H https://shop.example.
  static override host = practiceShop();

  // After each test, the user waits 0.5 to 1.5 seconds.
  static override waitTime = between(0.5, 1.5);

  token = "";

  // Runs once for each user, before its first test.
  override async onStart(): Promise<void> {
    const json = { username: `user-${this.id}`, password: "secret" };
    const res = await this.session.post("/login", { json });
    this.token = (await res.json()).token;
  }

  // The user runs all methods whose names start or end with test, one after the
  // other, and then starts over.
  async testSearch(): Promise<void> {
    const options = {
      params: { q: "boots" },
      headers: { authorization: this.token },
      name: "search", // the name in the report, for all search terms
    };
    await this.session.get("/search", options, async (res) => {
      // A request fails if its status is 400 or above, or if this check throws.
      assert.equal((await res.json()).found, 3);
    });
  }

  async testOrder(): Promise<void> {
    const headers = { authorization: this.token };
    await this.session.post("/orders", { headers, json: { item: "boots" } });
  }
}

// A small shop for practice, in this process. Delete it once `host` is your own.
function practiceShop(): string {
  const { addr } = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    switch (new URL(request.url).pathname) {
      case "/login":
        return Response.json({ token: crypto.randomUUID() });
      case "/search":
        return Response.json({ found: 3 });
      case "/orders":
        return Response.json({ order: 1 }, { status: 201 });
      default:
        return Response.json({ error: "no such page" }, { status: 404 });
    }
  });
  return `http://127.0.0.1:${addr.port}`;
}
