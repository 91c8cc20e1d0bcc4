// A feed of server-sent events that users follow for a while. When the connection ends, they connect again and say
// which event they have got last, as an EventSource of a browser does.
import { FastHttpUser, metrics } from "aiotest";

/** How long a user stays on a connection that the service does not close. */
const STAY_MS = 60_000;

const missed = metrics.counter("missed_events");

export class FeedTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0;

  #lastId = 0;

  async testFollow(): Promise<void> {
    const feed = await this.session.stream("GET", "/feed", {}, async (res) => {
      if (!res.ok) return res.failure(`HTTP ${res.status}: ${(await res.text()).slice(0, 80)}`);
      for await (const { id, atMs } of res.events()) {
        // The ids of this service are numbers without gaps, so users notice what they have missed.
        if (this.#lastId > 0) missed.add(Number(id) - this.#lastId - 1);
        this.#lastId = Number(id);
        if (atMs > STAY_MS) break;
      }
    });
    if (this.#lastId > 0) this.session.headers.set("last-event-id", String(this.#lastId));
    await this.sleep((feed.retryMs ?? 1_000) / 1_000);
  }
}
