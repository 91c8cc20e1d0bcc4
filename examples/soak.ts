// A soak test: the same load for hours, and beside it the memory of the service. Does anything change over time?
import { constantThroughput, FastHttpUser, metrics } from "aiotest";

const memory = metrics.gauge("service_memory_mb");

export const thresholds = ["error_rate<0.1%", "p99<1s", "service_memory_mb.max<512"];

/** Two iterations per second for each user, whether or not the service becomes slower. */
export class VisitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = constantThroughput(2);

  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}

/** One user that reads what the service says about itself, as Prometheus does. */
export class MonitorTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override fixedCount = 1;
  static override waitTime = 10;

  async testMemory(): Promise<void> {
    const res = await this.session.get("/metrics");
    const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(await res.text())?.[1];
    if (bytes !== undefined) memory.add(Number(bytes) / 1e6);
  }
}
