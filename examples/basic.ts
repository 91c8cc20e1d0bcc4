// The smallest test that is worth running: one kind of user, one request, a second between two.
//
//     aiotest -f examples/basic.ts -H http://127.0.0.1:8000 -u 10 -t 30s
import { FastHttpUser } from "aiotest";

export class VisitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}
