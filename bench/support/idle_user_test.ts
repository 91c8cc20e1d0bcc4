import { User } from "aiotest";

/** Measures nothing that takes time, and waits a second. */
export class IdleTest extends User {
  static override waitTime = 1;

  testNothing(): void {
    this.record({ name: "pass", latencyMs: 0.01 });
  }
}
