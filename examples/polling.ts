// A job that takes a while: the service accepts it at once, and the user asks until it is done.
import { FastHttpUser, metrics } from "aiotest";

const POLL_SECONDS = 0.2;
const MAX_POLLS = 100;

const polls = metrics.trend("polls_per_job", { unit: "polls" });

export const thresholds = ["p95[group export]<30s", "error_rate[group export]<1%"];

export class ExportTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;

  async testExport(): Promise<void> {
    // How long the user waits for the result: all requests, and the waits between them.
    await this.group("export", async () => {
      const res = await this.session.post("/exports", { json: { format: "pdf" } });
      if (!res.ok) return; // the request has failed, and with it the group
      const { id } = await res.json();
      await this.#wait(`/exports/${id}`);
    });
  }

  /** Asks until the job has ended. */
  async #wait(url: string): Promise<void> {
    for (let asked = 1; asked <= MAX_POLLS; asked++) {
      await this.sleep(POLL_SECONDS);
      let state = "failed";
      // One name for all jobs.
      await this.session.get(url, { name: "/exports/:id" }, async (res) => {
        if (!res.ok) return;
        state = (await res.json()).state;
        if (state === "failed") res.failure("the export has failed");
      });
      if (state === "failed") return;
      if (state === "done") return polls.add(asked);
    }
    throw new Error(`the export was not done after ${MAX_POLLS} polls`);
  }
}
