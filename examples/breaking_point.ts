// Finds out how much load the service can handle: 100 more iterations per second every 20 seconds, until
// a threshold is crossed. The report shows the highest load that passed.
import process from "node:process";
import { FastHttpUser, LoadUserShape, stepUntilItBreaks } from "aiotest";

const STEP_SECONDS = Number(process.env.STEP_SECONDS ?? 20);

export const thresholds = ["p99<500ms", "error_rate<1%"];

export class VisitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}

export class LimitShapeTest extends LoadUserShape {
  static override curve = stepUntilItBreaks({
    stepSeconds: STEP_SECONDS,
    arrivalRate: { from: 100, step: 100, to: 2000 },
    maxUsers: 1000,
  });
}
