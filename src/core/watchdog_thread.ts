/**
 * The thread of the watchdog; see `watchdog.ts`.
 *
 * @module
 */

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

/** What the thread is sent. */
export type WatchdogMessage = Start | Result;

const CHECK_MS = 500;

/** Checks without a beat after which the event loop counts as blocked: a shorter time says nothing. */
const BLOCKED_CHECKS = 3;

/** Checks without a beat after which this is said: 5 s. */
const REPORTED_CHECKS = 10;

/** Interrupted twice, as in `ExitCode`, which this thread does not load. */
const EXIT_CODE = 130;

const encoder = new TextEncoder();

/** Watches one process. It counts its own checks: if the process is suspended, so is this thread. */
export class BlockWatch {
  readonly #start: Omit<Start, "kind">;
  readonly #say: (text: string) => void;
  readonly #endProcess: () => void;
  #beat = -1;
  #checksWithoutBeat = 0;
  #interrupts = 0;
  #isReported = false;

  /**
   * @param say prints a line.
   * @param endProcess ends the process with what was counted.
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
    if (this.#checksWithoutBeat === 0) this.#isReported = false;
    if (this.#checksWithoutBeat >= REPORTED_CHECKS) this.#report();
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

  get #isBlocked(): boolean {
    return this.#checksWithoutBeat >= BLOCKED_CHECKS;
  }

  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const { tests, activity } = this.#start;
    const test = tests[Atomics.load(activity, 0)];
    const seconds = Math.round((this.#checksWithoutBeat * CHECK_MS) / 1000);
    this.#say(
      `aiotest: code of the test file has blocked the event loop for ${seconds} s, so nothing else runs.` +
        (test === undefined ? "" : ` The test that started last is ${test}.`) +
        " Interrupt twice to end the process with what was counted.",
    );
  }

  #endIfAsked(): void {
    if (this.#isBlocked && this.#interrupts >= 2) this.#endProcess();
  }
}

function run(start: Start): void {
  const watch = new BlockWatch(
    start,
    (text) => print(Deno.stderr, `${text}\n`),
    () => endProcess(start.summaryPath),
  );
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGBREAK"] : ["SIGTERM"];
  if (!start.isChild) signals.push("SIGINT");
  for (const signal of signals) Deno.addSignalListener(signal, () => watch.interrupt());
  setInterval(() => watch.check(), CHECK_MS);
}

let result: WatchdogResult | null = null;

function endProcess(summaryPath: string | null): void {
  try {
    print(Deno.stdout, result?.text ?? "aiotest: nothing was counted yet\n");
    if (summaryPath !== null && result !== null && result.summary !== null) {
      using file = Deno.openSync(summaryPath, { write: true, create: true, truncate: true });
      for (const part of result.summary) writeAll(file, part);
    }
  } catch (error) {
    print(Deno.stderr, `aiotest: cannot write the results: ${error}\n`);
  }
  exitNow();
}

/** Ends the whole process: `Deno.exit` would only end this thread. */
function exitNow(): void {
  const library = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[Deno.build.os as string];
  try {
    const { symbols } = Deno.dlopen(library!, {
      _exit: { parameters: ["i32"], result: "void" },
    });
    symbols._exit(EXIT_CODE);
  } catch {
    // There is no such library here.
  }
  Deno.kill(Deno.pid, "SIGKILL");
}

type SyncStream = Pick<typeof Deno.stdout, "writeSync">;

function print(stream: SyncStream, text: string): void {
  writeAll(stream, encoder.encode(text));
}

function writeAll(stream: SyncStream, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}

// Only a thread has this function; a test that imports this file does not run it.
if (typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function") {
  (globalThis as unknown as { onmessage: unknown }).onmessage = (
    { data }: MessageEvent<WatchdogMessage>,
  ): void => {
    if (data.kind === "start") run(data);
    else result = data;
  };
}
