// Wait times, and the order in which users run their tests.
import {
  between,
  constantThroughput,
  exponential,
  FastHttpUser,
  tag,
  type User,
  weight,
} from "aiotest";

const host = "http://127.0.0.1:8000";

/** Waits one to three seconds, evenly distributed. */
export class ReaderTest extends FastHttpUser {
  static override host = host;
  static override waitTime = between(1, 3);

  async testPage(): Promise<void> {
    await this.session.get("/");
  }
}

/** Two iterations per second for each user, as long as the server responds within 0.5 s. */
export class PollerTest extends FastHttpUser {
  static override host = host;
  static override waitTime = constantThroughput(2);

  @tag("poll")
  async testPoll(): Promise<void> {
    await this.session.get("/poll");
  }
}

/** One random test per iteration, nine times out of ten the cheap one. Waits are mostly short, rarely long. */
export class MixedTest extends FastHttpUser {
  static override host = host;
  static override order = "random" as const;
  static override waitTime = exponential(0.5);

  @weight(9)
  async testCheap(): Promise<void> {
    await this.session.get("/cheap");
  }

  @weight(1)
  @tag("slow")
  async testDear(): Promise<void> {
    await this.session.get("/dear");
  }
}

/** The more users are running, the longer each of them waits. */
export class PoliteTest extends FastHttpUser {
  static override host = host;
  static override waitTime = (user: User): number => 0.01 * user.run.userCount;

  async testPage(): Promise<void> {
    await this.session.get("/");
  }
}
