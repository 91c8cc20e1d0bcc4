import { FastHttpUser, tag } from "aiotest";
import { ORDER } from "./order.ts";

export class BenchTest extends FastHttpUser {
  static override waitTime = 0;

  @tag("get")
  async testGet(): Promise<void> {
    await this.session.get("");
  }

  @tag("post")
  async testPost(): Promise<void> {
    const res = await this.session.post("", { json: ORDER });
    await res.json();
  }
}
