// A shop over gRPC, with all four kinds of calls.
import { between, GrpcUser } from "aiotest";

export class ShopTest extends GrpcUser {
  static override host = "http://127.0.0.1:50051";
  static override proto = "protos/shop.proto";
  static override waitTime = between(0.5, 1);
  static override timeout = 5;

  override onStart(): void {
    this.metadata.set("authorization", `Bearer user${this.id}`);
  }

  async testItem(): Promise<void> {
    const item = await this.call("shop.Catalog/GetItem", { id: 1 + this.iteration % 10 });
    if (item.ok) this.check("has a price", item.message.price > 0);
  }

  async testMissingItem(): Promise<void> {
    // Here, NOT_FOUND is the right answer.
    await this.call("shop.Catalog/GetItem", { id: 404 }, { name: "missing item" }, (res) => {
      if (res.status === "NOT_FOUND") res.success();
      else res.failure("an item that does not exist");
    });
  }

  async testSearch(): Promise<void> {
    let items = 0;
    await this.serverStream("shop.Catalog/Search", { text: "lamp" }, {}, async (call) => {
      for await (const _item of call.messages()) items++;
    });
    this.check("finds lamps", items > 0);
  }

  async testImport(): Promise<void> {
    const receipt = await this.stream("shop.Orders/Import", {}, async (call) => {
      for (let itemId = 1; itemId <= 20; itemId++) await call.send({ itemId, count: 1 });
    });
    this.check("imports all orders", receipt.message?.orders === 20);
  }

  async testFollow(): Promise<void> {
    await this.stream("shop.Orders/Follow", {}, async (call) => {
      for (let itemId = 1; itemId <= 3; itemId++) {
        await call.send({ itemId, count: itemId });
        const receipt = await call.receive();
        this.check("has a receipt", receipt !== null);
      }
    });
  }
}
