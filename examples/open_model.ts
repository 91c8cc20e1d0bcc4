// The open model: orders arrive at a given rate, however fast the shop responds. The rate rises for 30
// seconds and then stays at 50 per second for a minute. Latency is measured from when an order was due.
import { FastHttpUser, hold, inSequence, LoadUserShape, ramp } from "aiotest";

export class BuyerTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.2; // seconds between the two tests; the curve decides when the next iteration starts

  async testLook(): Promise<void> {
    await this.session.get("/articles/1", { name: "/articles/:id" });
  }

  async testOrder(): Promise<void> {
    await this.session.post("/orders", { json: { article: 1 } });
  }
}

export class OrdersShapeTest extends LoadUserShape {
  static override curve = inSequence(
    ramp({ seconds: 30, arrivalRate: { from: 5, to: 50 }, maxUsers: 200 }),
    hold({ seconds: 60, arrivalRate: 50, maxUsers: 200 }),
  );
}
