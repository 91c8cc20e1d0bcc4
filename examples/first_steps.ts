// What one user of a shop does. Ten of them, for ten seconds:
//
//     aiotest -u 10 -r 10 -t 10s
import assert from "node:assert/strict";
import { between, FastHttpUser } from "aiotest";

// A user class: it is exported, and its name starts or ends with Test.
export class ShopTest extends FastHttpUser {
  // Who is tested. Write your service's address here, as "https://shop.example";
  // with -H https://shop.example it is another one for a single run.
  static override host = practiceShop();

  // Each user waits half a second to one and a half after each test.
  static override waitTime = between(0.5, 1.5);

  token = "";

  // Once for each user, before its first test.
  override async onStart(): Promise<void> {
    const json = { username: `user-${this.id}`, password: "secret" };
    const res = await this.session.post("/login", { json });
    this.token = (await res.json()).token;
  }

  // Methods whose names start or end with test are what the user does, one after
  // the other, again and again.
  async testSearch(): Promise<void> {
    const options = {
      params: { q: "boots" },
      headers: { authorization: this.token },
      name: "search", // how it is called in the report, whatever is searched for
    };
    await this.session.get("/search", options, async (res) => {
      // A status of 400 or more is a failure, and so is what throws in here.
      assert.equal((await res.json()).found, 3);
    });
  }

  async testOrder(): Promise<void> {
    const headers = { authorization: this.token };
    await this.session.post("/orders", { headers, json: { item: "boots" } });
  }
}

// A shop to practise on, inside this very process. Delete it when `host` is yours.
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
