import { constantThroughput, FastHttpUser, tag } from "aiotest";

/** Sends 20 requests per second. */
export class PacedTest extends FastHttpUser {
  static override waitTime = constantThroughput(20);

  @tag("get")
  async testGet(): Promise<void> {
    await this.session.get("");
  }
}
