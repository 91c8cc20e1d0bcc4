import { FastHttpUser, tag } from "aiotest";
import { CountedUsers } from "./counted_users.ts";
import { ORDER } from "./order.ts";

const users = new CountedUsers();

export class BenchTest extends FastHttpUser {
  static override waitTime = 0;
  requests = 0;

  override onStart(): void {
    users.add(this);
  }

  @tag("get")
  async testGet(): Promise<void> {
    await this.session.get("");
    this.requests++;
  }

  @tag("post")
  async testPost(): Promise<void> {
    const res = await this.session.post("", { json: ORDER });
    await res.json();
    this.requests++;
  }
}
