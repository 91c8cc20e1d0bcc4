// What a request is called in the report, and what makes it a success.
import assert from "node:assert/strict";
import { FastHttpUser, RequestError } from "aiotest";

export class CheckedTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override timeout = 10;

  /** A throw in the check makes the request a failure; its message is the label in the report. */
  async testSearch(): Promise<void> {
    const options = { params: { q: "F22" }, name: "search" };
    await this.session.get("/search", options, async (res) => {
      const { found } = await res.json();
      assert.equal(found, true, "nothing found");
    });
  }

  /** A 404 is what this user expects. */
  async testGone(): Promise<void> {
    await this.session.get("/gone", {}, (res) => {
      if (res.status === 404) res.success();
      else res.failure(`expected 404, got ${res.status}`);
    });
  }

  /** Too slow is a failure too. */
  async testFast(): Promise<void> {
    await this.session.get("/fast", {}, (res) => {
      if (res.latencyMs > 500) res.failure("slower than 500 ms");
    });
  }

  /** What never gets a response is counted, and throws. */
  async testBroken(): Promise<void> {
    try {
      await this.session.get("/broken", { timeout: 1 });
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "TIMEOUT") throw error;
    }
  }
}
