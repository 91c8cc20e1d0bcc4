/**
 * A thread that watches whether code of the test file blocks the event loop. While it is blocked, nothing
 * else in the process runs, not even the handlers of signals.
 *
 * @module
 */

import type { WatchdogMessage, WatchdogOptions, WatchdogResult } from "./watchdog_thread.ts";

/** A running thread. */
export interface Watchdog {
  /** Replaces what the thread knows of the results. */
  update(result: WatchdogResult): void;
  /** Ends the thread, soon. */
  end(): void;
}

/** How often the event loop shows that it runs, in milliseconds. */
const BEAT_MS = 250;

/** Starts the thread. It does not keep the process alive. */
export function startWatchdog(options: WatchdogOptions): Watchdog {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const thread = new Worker(new URL("./watchdog_thread.ts", import.meta.url).href, {
    type: "module",
    name: "watchdog",
  });
  // Without it, the run goes on.
  thread.onerror = (event) => event.preventDefault();
  const send = (message: WatchdogMessage): void => thread.postMessage(message);
  send({ kind: "start", beats, ...options });
  const timer = setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS);
  Deno.unrefTimer(timer);
  return {
    update: (result) => send({ kind: "result", ...result }),
    end(): void {
      clearInterval(timer);
      // To end it from here would take some 10 ms of the last steps of every run.
      send({ kind: "end" });
    },
  };
}
