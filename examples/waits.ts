// How long users wait, and in which order their tests run.
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

/** Reads for a while, anywhere between one and three seconds. */
export class ReaderTest extends FastHttpUser {
  static override host = host;
  static override waitTime = between(1, 3);

  async testPage(): Promise<void> {
    await this.session.get("/");
  }
}

/** Two passes a second for each user, however long the server takes, as long as that is under 0.5 s. */
export class PollerTest extends FastHttpUser {
  static override host = host;
  static override waitTime = constantThroughput(2);

  @tag("poll")
  async testPoll(): Promise<void> {
    await this.session.get("/poll");
  }
}

/** One test a turn, by chance: nine times in ten the cheap one. Many short waits, few long ones. */
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

/** Waits longer the more users run. */
export class PoliteTest extends FastHttpUser {
  static override host = host;
  static override waitTime = (user: User): number => 0.01 * user.run.userCount;

  async testPage(): Promise<void> {
    await this.session.get("/");
  }
}
