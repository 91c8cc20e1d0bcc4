/**
 * The thread of the watchdog; see `watchdog.ts`.
 *
 * @module
 */

import { sleep, systemClock } from "./clock.ts";
import { errorText, ExitCode } from "./errors.ts";
import { StreamOutput } from "./output.ts";
import { openOutputFile } from "./output_files.ts";
import { withoutRepeats } from "./repeated_signals.ts";

/** What the thread is to do, and what it knows. */
export interface WatchdogOptions {
  /** Its first element is the index of the test in {@link tests} that was started last; shared. */
  readonly activity: Int32Array;
  /** The tests, as messages name them. */
  readonly tests: readonly string[];
  /** Where {@link WatchdogResult.summary} is to be written; `null` if nowhere. */
  readonly summaryPath: string | null;
  /** Whether Ctrl-C is for the parent process. */
  readonly isChild: boolean;
  /** Whether SIGHUP is ignored. */
  readonly survivesHangup: boolean;
}

/** What the thread prints and writes if it has to end the process. */
export interface WatchdogResult {
  /** For standard output. */
  readonly text: string;
  /** A JSON summary in UTF-8, in parts, because it may be longer than a string can be; `null`: none. */
  readonly summary: readonly Uint8Array[] | null;
}

interface Start extends WatchdogOptions {
  readonly kind: "start";
  /** Its first element changes several times a second while the event loop runs. */
  readonly beats: Int32Array;
}

interface Result extends WatchdogResult {
  readonly kind: "result";
}

interface End {
  readonly kind: "end";
}

/** What the thread is sent. */
export type WatchdogMessage = Start | Result | End;

const CHECK_MS = 500;

/** Checks without a beat after which the event loop counts as blocked: a shorter time says nothing. */
const BLOCKED_CHECKS = 3;

/** Checks without a beat after which this is said: 5 s. */
const REPORTED_CHECKS = 10;

/** How long the results may take to be printed: their reader may have stopped reading. */
const LAST_OUTPUT_MS = 2_000;

/** Watches one process. It counts its own checks: if the process is suspended, so is this thread. */
export class BlockWatch {
  readonly #start: Omit<Start, "kind">;
  readonly #say: (text: string) => void;
  readonly #endProcess: () => void;
  #beat = -1;
  #checksWithoutBeat = 0;
  #interrupts = 0;
  #isEnding = false;

  /**
   * @param say prints a line.
   * @param endProcess ends the process with what was counted; called once.
   */
  constructor(start: Omit<Start, "kind">, say: (text: string) => void, endProcess: () => void) {
    this.#start = start;
    this.#say = say;
    this.#endProcess = endProcess;
  }

  /** To be called regularly. */
  check(): void {
    const beat = Atomics.load(this.#start.beats, 0);
    this.#checksWithoutBeat = beat === this.#beat ? this.#checksWithoutBeat + 1 : 0;
    this.#beat = beat;
    if (this.#checksWithoutBeat === REPORTED_CHECKS) this.#report();
    this.#endIfAsked();
  }

  /** Takes a signal, which the event loop does not get while it is blocked. */
  interrupt(): void {
    this.#interrupts++;
    if (this.#isBlocked && this.#interrupts === 1) {
      this.#say("aiotest: interrupted. Interrupt again to end the process with what was counted.");
    }
    this.#endIfAsked();
  }

  /** Takes a SIGHUP. Only the first signal can be one: a terminal that is closed sends it more than once. */
  hangUp(): void {
    if (this.#interrupts === 0) this.interrupt();
  }

  get #isBlocked(): boolean {
    return this.#checksWithoutBeat >= BLOCKED_CHECKS;
  }

  #report(): void {
    const { tests, activity } = this.#start;
    const test = tests[Atomics.load(activity, 0)];
    const seconds = (REPORTED_CHECKS * CHECK_MS) / 1000;
    this.#say(
      `aiotest: code of the test file has blocked the event loop for ${seconds} s, so nothing else runs.` +
        (test === undefined ? "" : ` The test that started last is ${test}.`) +
        " Interrupt twice to end the process with what was counted.",
    );
  }

  #endIfAsked(): void {
    if (!this.#isBlocked || this.#interrupts < 2 || this.#isEnding) return;
    this.#isEnding = true;
    this.#endProcess();
  }
}

function run(start: Start): void {
  const watch = new BlockWatch(
    start,
    (text) => stderr.write(`${text}\n`),
    () => void endProcess(start.summaryPath),
  );
  const interrupt = (): void => watch.interrupt();
  const term = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
  Deno.addSignalListener(term, withoutRepeats(interrupt));
  if (!start.isChild) Deno.addSignalListener("SIGINT", interrupt);
  if (!start.survivesHangup) Deno.addSignalListener("SIGHUP", () => watch.hangUp());
  setInterval(() => watch.check(), CHECK_MS);
}

const noSize = (): never => {
  throw new Error("the size of the terminal does not matter here");
};
const stdout = new StreamOutput(Deno.stdout, noSize, systemClock);
const stderr = new StreamOutput(Deno.stderr, noSize, systemClock);

let result: WatchdogResult | null = null;

async function endProcess(summaryPath: string | null): Promise<void> {
  stdout.write(result?.text ?? "aiotest: nothing was counted yet\n");
  if (summaryPath !== null && result !== null && result.summary !== null) {
    try {
      await openOutputFile(summaryPath, { stdout, stderr }).write(decoded(result.summary));
    } catch (error) {
      stderr.write(`aiotest: cannot write ${summaryPath}: ${errorText(error)}\n`);
    }
  }
  const written = Promise.all([stdout.flush(), stderr.flush()]);
  await Promise.race([written, sleep(systemClock, LAST_OUTPUT_MS)]);
  exitNow();
}

function* decoded(parts: readonly Uint8Array[]): Generator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const part of parts) yield decoder.decode(part, { stream: true });
}

/** Ends the whole process: `Deno.exit` would only end this thread. */
function exitNow(): void {
  const library = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[Deno.build.os as string];
  try {
    const { symbols } = Deno.dlopen(library!, {
      _exit: { parameters: ["i32"], result: "void" },
    });
    symbols._exit(ExitCode.interrupted);
  } catch {
    // There is no such library here.
  }
  Deno.kill(Deno.pid, "SIGKILL");
}

// Only a thread has this function; a test that imports this file does not run it.
if (typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function") {
  (globalThis as unknown as { onmessage: unknown }).onmessage = (
    { data }: MessageEvent<WatchdogMessage>,
  ): void => {
    if (data.kind === "start") run(data);
    else if (data.kind === "end") close();
    else result = data;
  };
}
