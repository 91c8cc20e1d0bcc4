/**
 * What `-L DEBUG` shows of a node: its connections, look-ups, retries, users, and its part in a cluster.
 *
 * @module
 */

import { systemClock } from "./clock.ts";
import { isLogged, logger } from "./logger.ts";
import { RepeatedLog } from "./repeated_log.ts";

/** Kinds of lines. Each is limited by itself, so that many connections do not hide an assignment. */
export type DebugTopic = "connections" | "names" | "retries" | "users" | "cluster";

/**
 * Details for debugging. Of each topic, at most 20 different lines are logged each second;
 * the others are counted. Nothing that every request does may be logged here.
 */
export class DebugLog {
  readonly #topics = new Map<DebugTopic, RepeatedLog>();

  /** Whether lines are logged. Ask before making a text. */
  get isOn(): boolean {
    return isLogged("DEBUG");
  }

  /** Logs a line, now or later. */
  add(topic: DebugTopic, text: string): void {
    let log = this.#topics.get(topic);
    if (log === undefined) {
      const others = `Other lines about ${topic}`;
      log = new RepeatedLog((line) => logger.debug(line), systemClock, others);
      this.#topics.set(topic, log);
    }
    log.add(text);
  }

  /** Logs how many lines were left out. */
  flush(): void {
    for (const log of this.#topics.values()) log.flush();
  }
}

/** The debug log of this process; like its {@link logger}, there is one. */
export const debugLog = new DebugLog();
