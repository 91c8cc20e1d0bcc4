// The test that `aiotest demo` runs against its own shop: customers who browse, and customers who buy.
import assert from "node:assert/strict";
import { between, FastHttpUser } from "aiotest";

class Customer extends FastHttpUser {
  static override waitTime = between(0.1, 0.5);
  headers = {};

  override async onStart(): Promise<void> {
    const json = { username: `customer-${this.id}`, password: "secret" };
    const res = await this.session.post("/login", { json });
    this.headers = { authorization: (await res.json()).token };
  }

  async search(q: string): Promise<void> {
    await this.session.get("/search", { params: { q }, headers: this.headers }, async (res) => {
      assert.equal((await res.json()).found, true, "nothing found");
    });
  }
}

export class BrowserTest extends Customer {
  static override weight = 3;

  async testSearch(): Promise<void> {
    await this.search("F22");
  }

  async testCart(): Promise<void> {
    await this.session.get("/cart", { headers: this.headers });
  }
}

export class BuyerTest extends Customer {
  async testBuy(): Promise<void> {
    const { headers } = this;
    await this.search("paint");
    await this.session.post("/cart", { headers, json: { item: "paint" } });
    await this.session.post("/order", { headers, name: "order" });
  }
}
