import { constantPacing, FastHttpUser, tag } from "aiotest";

/** Sends a request once a minute over a connection that stays open. */
export class IdleConnectionTest extends FastHttpUser {
  static override waitTime = constantPacing(60);

  @tag("get")
  async testGet(): Promise<void> {
    await this.session.get("");
  }
}
