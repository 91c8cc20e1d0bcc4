import { FastHttpUser, tag } from "aiotest";
import { CountedUsers } from "./counted_users.ts";

const users = new CountedUsers();

/** Opens a connection for each request. */
export class BenchTest extends FastHttpUser {
  static override waitTime = 0;
  static override keepAlive = false;
  requests = 0;

  override onStart(): void {
    users.add(this);
  }

  @tag("connect")
  async testGet(): Promise<void> {
    await this.session.get("");
    this.requests++;
  }
}
