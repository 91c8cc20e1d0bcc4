import { User } from "aiotest";

/** Records a constant, and waits one second. */
export class IdleTest extends User {
  static override waitTime = 1;

  testNothing(): void {
    this.record({ name: "iteration", latencyMs: 0.01 });
  }
}
