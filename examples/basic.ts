// A minimal test: one user class, one request, and one second between requests.
//
//     aiotest -f examples/basic.ts -H http://127.0.0.1:8000 -u 10 -t 30s
import { FastHttpUser } from "aiotest";

export class VisitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}
