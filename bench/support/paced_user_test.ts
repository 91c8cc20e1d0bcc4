import { constantThroughput, FastHttpUser, tag } from "aiotest";

/** Asks 20 times a second. */
export class PacedTest extends FastHttpUser {
  static override waitTime = constantThroughput(20);

  @tag("get")
  async testGet(): Promise<void> {
    await this.session.get("");
  }
}
