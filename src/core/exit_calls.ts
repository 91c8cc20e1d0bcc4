/**
 * Calls by which code of a test file would end the process, without reports and with an exit code that says
 * nothing about the run.
 *
 * @module
 */

import process from "node:process";

/** How to end what `Deno.exit` was probably meant to end. */
export const HOW_TO_STOP =
  "Throw UserEnd to end a user. To end the run, call run.stop or run.fail, or set --run-time " +
  "or --iterations.";

/** Thrown where code of a test file tries to end the process. */
export class ExitCall extends Error {
  override readonly name = "ExitCall";

  /** @param call as in the source, such as `Deno.exit(0)`. */
  constructor(call: string) {
    super(`${call} was called, which does not end a run`);
  }
}

/**
 * Replaces every function of the runtime that ends this process. Each throws an {@link ExitCall} instead, and
 * calls `onCall` before, because the code around it may catch the error. There is no way back.
 */
export function interceptExits(onCall: (call: ExitCall) => void): void {
  const refuse = (call: string): never => {
    const error = new ExitCall(call);
    onCall(error);
    throw error;
  };
  const replace = (owner: object, name: string, value: (...args: never[]) => unknown): void => {
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  };
  replace(Deno, "exit", (code?: number) => refuse(`Deno.exit(${code ?? ""})`));
  // `process.exit` calls this one, however it was imported.
  replace(process, "reallyExit", (code?: number) => refuse(`process.exit(${code ?? ""})`));
  replace(process, "abort", () => refuse("process.abort()"));
  replace(globalThis, "close", () => refuse("close()"));
  const denoKill = Deno.kill;
  replace(Deno, "kill", (pid: number, signal?: Deno.Signal) => {
    if (pid === Deno.pid) {
      refuse(`Deno.kill(Deno.pid${signal === undefined ? "" : `, "${signal}"`})`);
    }
    denoKill(pid, signal);
  });
  // `process.kill` calls this one. Signal 0 only asks whether there is such a process.
  const owner = process as unknown as { _kill(pid: number, signal: number): unknown };
  const nodeKill = owner._kill;
  replace(owner, "_kill", (pid: number, signal: number) => {
    if (pid === process.pid && signal !== 0) refuse("process.kill(process.pid)");
    return nodeKill.call(owner, pid, signal);
  });
}
