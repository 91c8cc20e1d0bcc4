import { HttpUser } from "aiotest";

export class BenchTest extends HttpUser {
  static override waitTime = 0;

  async testGet(): Promise<void> {
    await this.session.get("/");
  }
}
