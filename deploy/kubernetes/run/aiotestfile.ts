// What each user does. Replace it by your own test: see docs/test-file.md.
import { between, FastHttpUser } from "aiotest";

export class VisitorTest extends FastHttpUser {
  static override waitTime = between(1, 3); // seconds

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}
