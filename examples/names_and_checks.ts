// Sets the names of requests in the report, and decides which requests succeed.
import assert from "node:assert/strict";
import { FastHttpUser, RequestError } from "aiotest";

export class CheckedTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override timeout = 10;

  /** If the check throws, the request fails, and the report shows the error message. */
  async testSearch(): Promise<void> {
    const options = { params: { q: "F22" }, name: "search" };
    await this.session.get("/search", options, async (res) => {
      const { found } = await res.json();
      assert.equal(found, true, "nothing found");
    });
  }

  /** Expects status 404. */
  async testGone(): Promise<void> {
    await this.session.get("/gone", {}, (res) => {
      if (res.status === 404) res.success();
      else res.failure(`expected 404, got ${res.status}`);
    });
  }

  /** Fails if the response is too slow. */
  async testFast(): Promise<void> {
    await this.session.get("/fast", {}, (res) => {
      if (res.latencyMs > 500) res.failure("slower than 500 ms");
    });
  }

  /** A request without a response counts as failed, and throws. */
  async testBroken(): Promise<void> {
    try {
      await this.session.get("/broken", { timeout: 1 });
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "TIMEOUT") throw error;
    }
  }
}
