import { FastHttpUser, tag } from "aiotest";
import { CountedUsers } from "./counted_users.ts";

const users = new CountedUsers();

/** As in fast_http_user_test.ts, with everything that a test can say of a request. */
export class BenchTest extends FastHttpUser {
  static override waitTime = 0;
  static override headers = { "accept-language": "de" };
  requests = 0;

  override onStart(): void {
    users.add(this);
  }

  @tag("get")
  async testGet(): Promise<void> {
    await this.group("visit", async () => {
      const res = await this.session.get("", { tags: { cache: "hit" } });
      res.check("is answered", res.status === 200);
    });
    this.requests++;
  }
}
