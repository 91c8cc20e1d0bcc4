import { ExitCode } from "../core/exit_code.ts";
import type { Host } from "../core/host.ts";

/** What is done when somebody wants a run to end. */
export interface InterruptHandlers {
  /** The first time: end well. */
  onFirst(): void;
  /** The second time, right before the process ends. */
  beforeExit(): void;
}

/**
 * Watches for Ctrl-C and SIGTERM for as long as the process lives: one that comes while it is about to
 * exit must not end it otherwise.
 */
export function watchInterrupts(host: Host, handlers: InterruptHandlers): void {
  let interrupted = false;
  host.onInterrupt(() => {
    if (interrupted) {
      handlers.beforeExit();
      host.exit(ExitCode.interrupted);
    }
    interrupted = true;
    handlers.onFirst();
  });
}
