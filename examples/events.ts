// Events: adds a command-line option, reads it before the test starts, and inspects every request.
import { events, FastHttpUser, logger } from "aiotest";

let tenant = "";
let slow = 0;

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--tenant <name>", "whose data is used", "demo");
});

events.on("init", ({ options }) => {
  tenant = String(options.tenant);
});

events.on("testStart", ({ run }) => {
  logger.info(`Run ${run.id} starts, for the tenant ${tenant}.`);
});

events.on("request", ({ name, latencyMs }) => {
  if (latencyMs < 1_000) return;
  slow++;
  logger.warn(`${name} took ${Math.round(latencyMs)} ms.`);
});

events.on("testStop", () => {
  logger.info(`${slow} requests took over a second.`);
});

export class TenantTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testFrontPage(): Promise<void> {
    await this.session.get("/", { headers: { "x-tenant": tenant } });
  }
}
