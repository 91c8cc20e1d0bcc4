// Load over time: 50 users for 90 seconds, a peak of 200 users, and down to 10 again.
import { FastHttpUser, LoadUserShape } from "aiotest";

export class VisitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}

export class PeakShapeTest extends LoadUserShape {
  static override stages = [
    { duration: 30, users: 50, rate: 2 }, // seconds, users, users started or stopped per second
    { duration: 60, users: 50, rate: 2 },
    { duration: 20, users: 200, rate: 50 },
    { duration: 30, users: 10, rate: 20 },
  ];
}
