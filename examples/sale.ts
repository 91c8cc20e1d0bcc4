// Users that cooperate: groups of five buy at the same moment, and other users pick up the orders.
import { cluster, events, FastHttpUser, logger } from "aiotest";

const sold = cluster.counter("sold");
const orders = cluster.queue<{ readonly buyer: number }>("orders");

cluster.on<string>("news", (text, from) => {
  logger.info(`${from} says: ${text}`);
});

events.on("testStop", async ({ run }) => {
  if (run.node === "local" || run.node === "master") {
    logger.info(`${await sold.value()} sold, ${await orders.size()} of them not picked up.`);
  }
});

export class BuyerTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override weight = 5;
  static override waitTime = 0.2;

  async testBuy(): Promise<void> {
    const { complete } = await cluster.rendezvous("sale", { users: 5, timeout: 10 });
    if (!complete) return;
    await this.session.post("/orders", { json: { item: "lamp" } });
    await orders.push({ buyer: this.id });
    if (await sold.add() % 100 === 0) cluster.send("news", "Another hundred!");
  }
}

export class PickerTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;

  async testPickUp(): Promise<void> {
    const order = await orders.pop();
    if (order !== undefined) {
      await this.session.get(`/orders/${order.buyer}`, { name: "/orders/:buyer" });
    }
  }
}
