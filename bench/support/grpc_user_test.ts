import { GrpcUser, tag } from "aiotest";

export class GrpcTest extends GrpcUser {
  static override proto = "../../examples/protos/shop.proto";
  static override waitTime = 0;

  @tag("get")
  async testItem(): Promise<void> {
    await this.call("shop.Catalog/GetItem", { id: 7 });
  }
}
