/**
 * One GET per iteration, whose path names the node. In the closed model, each user starts 100 iterations per
 * second. `--trace FILE` records when each request was due and how long it took.
 *
 * @module
 */

import { constantPacing, events, FastHttpUser } from "aiotest";
import type { Traced } from "./paced_run.ts";

const beganAtMs: number[] = [];
const latencyMs: number[] = [];
let file = "";

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--trace <file>", "where to write what each request took", "");
});
events.on("init", ({ options }) => {
  file = String(options.trace);
  if (file === "") return;
  events.on("request", (request) => {
    beganAtMs.push(performance.timeOrigin + performance.now() - request.latencyMs);
    latencyMs.push(request.latencyMs);
  });
});
events.on("quitting", async () => {
  const traced: Traced = { beganAtMs, latencyMs };
  if (file !== "") await Deno.writeTextFile(file, JSON.stringify(traced));
});

export class OpenTest extends FastHttpUser {
  static override waitTime = constantPacing(0.01);
  #path = "";

  override onStart(): void {
    this.#path = `/${encodeURIComponent(this.run.node)}`;
  }

  async testGet(): Promise<void> {
    await this.session.get(this.#path);
  }
}
