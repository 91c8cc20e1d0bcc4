/**
 * Access to the machine: arguments, environment, terminal, files, signals. Code that needs any of them
 * gets a {@link Host}, so that the whole command line also runs inside a test.
 *
 * @module
 */

import { dirname } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  type Child,
  CHILD_VARIABLE,
  type ChildOptions,
  onStdinEnd,
  spawnSelf,
} from "./child_process.ts";
import { systemClock } from "./clock.ts";
import { type ConsolePrinter, redirectConsole } from "./console.ts";
import { type ExitCall, interceptExits } from "./exit_calls.ts";
import {
  aboutThisProcess,
  createPrivateFolder,
  type DiskFile,
  type FileInfo,
  fileInfo,
  filesIn,
  type FolderEntry,
  type FolderFile,
  listFolder,
  openFile,
  type OpenOptions,
  type PrivateFolder,
  readWholeFile,
  removeFile,
} from "./files.ts";
import {
  type ByteStream,
  connect,
  type ConnectOptions,
  listen,
  type ListenOptions,
  localAddressProblem,
  type StreamListener,
} from "./network.ts";
import { showsUtf8 } from "./charset.ts";
import { type Output, StreamOutput, type SyncStream } from "./output.ts";
import {
  type DescriptorReserve,
  type LogFile,
  openLogFile,
  openOutputFile,
  type OutputFile,
} from "./output_files.ts";
import { withoutRepeats } from "./repeated_signals.ts";
import { openStreamFile, type StreamFile, type StreamFileOptions } from "./stream_files.ts";
import { decodeTextFile } from "./text_files.ts";
import type { WebHandler, WebListener, WebListenOptions } from "./web_server.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";
import type { WatchdogOptions } from "./watchdog_thread.ts";

/** The machine that aiotest runs on. */
export interface Host {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** An environment variable, or `undefined`. */
  env(name: string): string | undefined;
  /** The names of all environment variables. */
  envNames(): readonly string[];
  /**
   * Reads a text file in UTF-8, or in UTF-16 with a byte order mark. Rejects with `Deno.errors.NotFound` and other
   * errors of the system, or with an error that says in plain words why it is no text.
   */
  readTextFile(path: string): Promise<string>;
  /** Reads a file; rejects as {@link readTextFile} does. */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes a new text file, whole or not at all, and creates its parent folders; rejects with `Deno.errors.AlreadyExists` and other errors of the system. */
  createTextFile(path: string, text: string): Promise<void>;
  /** Checks that a file can be written later; throws an error that says in plain words why not. */
  outputFile(path: string): OutputFile;
  /** Creates or empties a file that grows by parts; rejects as {@link outputFile} throws. */
  streamFile(path: string, options: StreamFileOptions): Promise<StreamFile>;
  /** Opens a log as {@link outputFile} does; the same object for the same path. */
  logFile(path: string): LogFile;
  /** Keeps some file descriptors, so that what needs one does not fail if the process has used all others. */
  reserveDescriptors(): DescriptorReserve;
  /** Opens and locks a file; throws `Deno.errors.NotFound` and other errors of the system. */
  openFile(path: string, options: OpenOptions): DiskFile;
  /** Whether the path leads to a file. */
  isFile(path: string): Promise<boolean>;
  /** Information about a file; `null` if there is no such file. */
  fileInfo(path: string): Promise<FileInfo | null>;
  /** The entries of a folder, sorted by name; empty if there is no such folder. */
  listFolder(path: string): Promise<readonly FolderEntry[]>;
  /** The files of a folder with their sizes and times, sorted by name; empty if there is no such folder. */
  filesIn(path: string): Promise<readonly FolderFile[]>;
  /** Removes a file; does nothing if there is none. Rejects with other errors of the system. */
  removeFile(path: string): Promise<void>;
  /** Creates a folder that only the current user can read, and that is removed when the process ends. */
  createPrivateFolder(): PrivateFolder;
  /** Imports an ES module from a file. */
  importModule(path: string): Promise<Record<string, unknown>>;
  /**
   * Calls `handler` on each Ctrl-C or SIGTERM, and on a SIGHUP that is the first of them. Call the returned
   * function to stop. A child of {@link spawnSelf} ignores Ctrl-C and SIGHUP: the terminal sends them to parent and
   * children alike, and the parent decides about its children.
   */
  onInterrupt(handler: () => void): () => void;
  /** Calls `handler` on the signals of {@link onInterrupt} that come before its first call. */
  onEarlyInterrupt(handler: () => void): void;
  /** Whether a handler of {@link onEarlyInterrupt} was called. */
  readonly interruptedEarly: boolean;
  /** Whether this is a child of {@link spawnSelf}. */
  readonly isChild: boolean;
  /**
   * Calls `handler` with uncaught errors and unhandled rejections, which would otherwise end the process.
   * Call the returned function to stop.
   */
  onUncaughtError(handler: (thrown: unknown) => void): () => void;
  /**
   * Calls `handler` if this process would end by itself because nothing is left that it could wait for.
   */
  onStalled(handler: () => void): void;
  /**
   * Resolves when the promises that are rejected now have been passed to the handlers of
   * {@link onUncaughtError}. Errors after these are held for the next handler that is added.
   */
  rejectionsReported(): Promise<void>;
  /** Redirects the output of `console` to `print`. Call the returned function to stop. */
  onConsole(print: ConsolePrinter): () => void;
  /** Processor time that this process has used, in seconds. */
  cpuSeconds(): number;
  /** Number of cores that this process can use. */
  readonly cores: number;
  readonly pid: number;
  /** Listens for TCP or TLS connections; throws `Deno.errors.AddrInUse` and other errors of the system. */
  listen(at: ListenOptions): StreamListener;
  /** Serves HTTP; rejects with `Deno.errors.AddrInUse` and other errors of the system. */
  serveWeb(at: WebListenOptions, handle: WebHandler): Promise<WebListener>;
  /** Opens a connection; rejects with `Deno.errors.ConnectionRefused` and other errors of the system. */
  connect(to: ConnectOptions): Promise<ByteStream>;
  /** Why connections cannot leave from an IP address, in words; `null` if they can. */
  localAddressProblem(address: string): string | null;
  /** The limit of open files and sockets of this process; `null` if it is unknown. */
  openFileLimit(): Promise<number | null>;
  /** Starts this program as a child, which notices when this process ends. */
  spawnSelf(args: readonly string[], options: ChildOptions): Child;
  /**
   * In a child of {@link spawnSelf}: calls `handler` when the parent has ended. Call the returned
   * function to stop. In other processes it does nothing.
   */
  onParentGone(handler: () => void): () => void;
  /**
   * From the first call on, code of the test file cannot end the process: `Deno.exit` and its like throw an
   * {@link ExitCall}. Calls `handler` with each of them, and at once with the first one from before.
   * Call the returned function to stop.
   */
  onExitCall(handler: (call: ExitCall) => void): () => void;
  /** Starts the thread that watches whether the event loop is blocked, in place of an earlier one. */
  startWatchdog(options: Omit<WatchdogOptions, "isChild" | "survivesHangup">): Watchdog;
  /** Ends the process immediately. */
  exit(code: number): never;
}

/** The machine that this process runs on. Call it once per process. */
export function denoHost(): Host {
  const isChild = becomeChild();
  const survivesHangup = isChild || surviveHangup();
  const stdout = output(Deno.stdout);
  const stderr = output(Deno.stderr);
  let releaseEarly = (): void => {};
  let interruptedEarly = false;
  let watchdog: Watchdog | null = null;
  return {
    args: Deno.args,
    cwd: Deno.cwd(),
    hostname: Deno.hostname(),
    stdout,
    stderr,
    env: (name) => Deno.env.get(name),
    envNames: () => Object.keys(Deno.env.toObject()),
    readTextFile: async (path) => decodeTextFile(await readWholeFile(path)),
    readFile: readWholeFile,
    createTextFile,
    outputFile: (path) => openOutputFile(path, { stdout, stderr }),
    streamFile: openStreamFile,
    logFile: logFiles(),
    reserveDescriptors,
    openFile,
    isFile,
    fileInfo,
    listFolder,
    filesIn,
    removeFile,
    createPrivateFolder,
    importModule: (path) => import(pathToFileURL(path).href),
    onInterrupt(handler): () => void {
      releaseEarly();
      releaseEarly = (): void => {};
      return onInterrupt(handler, { isChild, survivesHangup });
    },
    onEarlyInterrupt(handler): void {
      releaseEarly = onInterrupt(() => {
        interruptedEarly = true;
        handler();
      }, { isChild, survivesHangup });
    },
    get interruptedEarly(): boolean {
      return interruptedEarly;
    },
    isChild,
    ...uncaughtErrors(),
    onStalled: (handler) => globalThis.addEventListener("beforeunload", () => handler()),
    onConsole: (print) => redirectConsole(globalThis.console, print),
    cpuSeconds,
    cores: navigator.hardwareConcurrency,
    pid: Deno.pid,
    listen,
    serveWeb,
    connect,
    localAddressProblem,
    openFileLimit: () => Promise.resolve(openFileLimit()),
    spawnSelf: (args, options) =>
      spawnSelf({ args: Deno.args, env: Deno.env.toObject() }, args, options),
    onParentGone: (handler) => isChild ? onStdinEnd(handler) : () => {},
    onExitCall: exitCalls(),
    startWatchdog(options): Watchdog {
      watchdog?.end();
      return watchdog = startWatchdog({ ...options, isChild, survivesHangup });
    },
    exit: (code) => realExit(code),
  };
}

/** Imported here, because `node:http` would slow down the start of every other command. */
async function serveWeb(at: WebListenOptions, handle: WebHandler): Promise<WebListener> {
  const server = await import("./web_server.ts");
  return server.serveWeb(at, handle);
}

function output(stream: SyncStream): Output {
  const utf8 = showsUtf8((name) => Deno.env.get(name));
  return new StreamOutput(stream, () => Deno.consoleSize(), systemClock, utf8);
}

const realExit = Deno.exit;

function logFiles(): Host["logFile"] {
  const files = new Map<string, LogFile>();
  return (path) => {
    const file = files.get(path) ?? openLogFile(path);
    files.set(path, file);
    return file;
  };
}

/** Enough to write a file, and to load a module, for which the runtime crashes if it gets none. */
const RESERVED_DESCRIPTORS = 8;

function reserveDescriptors(): DescriptorReserve {
  const files: Deno.FsFile[] = [];
  // Windows has no such limit.
  let count = Deno.build.os === "windows" ? 0 : RESERVED_DESCRIPTORS;
  const take = (): void => {
    try {
      while (files.length < count) files.push(Deno.openSync("/dev/null"));
    } catch {
      // There are not even that many.
    }
  };
  const give = (): void => {
    for (const file of files.splice(0)) file.close();
  };
  take();
  return {
    use<Result>(change: () => Result): Result {
      give();
      try {
        return change();
      } finally {
        take();
      }
    },
    release(): void {
      count = 0;
      give();
    },
  };
}

async function createTextFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  using file = await Deno.open(path, { write: true, createNew: true });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  } catch (error) {
    await Deno.remove(path);
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Whether this process is a child. If it is, it ignores Ctrl-C from now on. */
function becomeChild(): boolean {
  const isChild = Deno.env.get(CHILD_VARIABLE) !== undefined;
  if (!isChild) return false;
  // Processes that a test file starts have another standard input, so they must not see the variable.
  Deno.env.delete(CHILD_VARIABLE);
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGHUP", () => {});
  return true;
}

/**
 * Whether `nohup` has started this process, which then survives its terminal. Only known on Linux.
 * Call it before any listener is added: the runtime then stops ignoring SIGHUP.
 */
function surviveHangup(): boolean {
  const [, mask = "0"] = /^SigIgn:\s*(\w+)/m.exec(aboutThisProcess("status") ?? "") ?? [];
  const isIgnored = (BigInt(`0x${mask}`) & 1n) === 1n;
  if (isIgnored) Deno.addSignalListener("SIGHUP", () => {});
  return isIgnored;
}

function onInterrupt(
  handler: () => void,
  { isChild, survivesHangup }: { readonly isChild: boolean; readonly survivesHangup: boolean },
): () => void {
  let isInterrupted = false;
  const onSignal = (): void => {
    isInterrupted = true;
    handler();
  };
  // A terminal that is closed sends it once, its shell once more, and perhaps Ctrl-C came before.
  const onHangup = (): void => {
    if (!isInterrupted) onSignal();
  };
  // Windows has no SIGTERM. SIGBREAK, sent by Ctrl-Break, is the closest equivalent. SIGHUP is sent there
  // when the console window is closed.
  const term: Deno.Signal = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
  const listeners: [signal: Deno.Signal, listener: () => void][] = [
    [term, withoutRepeats(onSignal)],
  ];
  if (!isChild) listeners.push(["SIGINT", onSignal]);
  if (!survivesHangup) listeners.push(["SIGHUP", onHangup]);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  };
}

/** The newest handler gets an error; without any, the runtime ends the process. */
function uncaughtErrors(): Pick<Host, "onUncaughtError" | "rejectionsReported"> {
  const handlers: ((thrown: unknown) => void)[] = [];
  let held: unknown[] | null = null;
  let mark: { readonly thrown: symbol; readonly reached: () => void } | null = null;
  const handle = (event: Event, thrown: unknown): void => {
    if (mark !== null && thrown === mark.thrown) {
      event.preventDefault();
      held = [];
      return mark.reached();
    }
    if (held !== null) {
      event.preventDefault();
      return void held.push(thrown);
    }
    const handler = handlers.at(-1);
    if (handler === undefined) return;
    event.preventDefault();
    handler(thrown);
  };
  globalThis.addEventListener("unhandledrejection", (event) => handle(event, event.reason));
  globalThis.addEventListener("error", (event) => handle(event, event.error));
  return {
    onUncaughtError(handler): () => void {
      handlers.push(handler);
      const waiting = held ?? [];
      held = null;
      for (const thrown of waiting) handler(thrown);
      return () => {
        const at = handlers.indexOf(handler);
        if (at >= 0) handlers.splice(at, 1);
      };
    },
    rejectionsReported: () =>
      new Promise((resolve) => {
        // The runtime reports rejections in their order.
        mark = { thrown: Symbol("rejections reported"), reached: resolve };
        void Promise.reject(mark.thrown);
      }),
  };
}

function exitCalls(): Host["onExitCall"] {
  const handlers = new Set<(call: ExitCall) => void>();
  let first: ExitCall | null = null;
  let intercepted = false;
  return (handler) => {
    if (!intercepted) {
      intercepted = true;
      interceptExits((call) => {
        // Each call that is caught could be followed by another one. The first says everything.
        first ??= call;
        for (const one of handlers) one(call);
      });
    }
    handlers.add(handler);
    if (first !== null) handler(first);
    return () => void handlers.delete(handler);
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function openFileLimit(): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(aboutThisProcess("limits") ?? "")?.[1];
  return soft === undefined ? null : Number(soft);
}
