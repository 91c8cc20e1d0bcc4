// Orders that come in whether the shop is quick or not: half a minute in which their rate grows, then a
// minute of 50 a second. How long they take counts from when they were due.
import { FastHttpUser, hold, inSequence, LoadUserShape, ramp } from "aiotest";

export class BuyerTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.2; // seconds between the steps; the schedule says when the next order begins

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
