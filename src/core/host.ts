/**
 * The machine, handed in: arguments, environment, terminal, files, signals. Whatever needs one of them
 * gets this object, so the whole command line also runs inside a test.
 *
 * @module
 */

import { dirname } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import {
  type Child,
  CHILD_VARIABLE,
  type ChildOptions,
  onStdinEnd,
  spawnSelf,
} from "./child_process.ts";
import {
  createPrivateFolder,
  type DiskFile,
  type FileInfo,
  fileInfo,
  type FolderEntry,
  listFolder,
  openFile,
  type OpenOptions,
  type PrivateFolder,
} from "./files.ts";
import {
  type ByteStream,
  connect,
  type ConnectOptions,
  listen,
  type ListenOptions,
  serveWeb,
  type StreamListener,
  type WebHandler,
  type WebListener,
  type WebListenOptions,
} from "./network.ts";

/** Somewhere to write text: standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Characters in a line; 80 where nobody knows. */
  readonly columns: number;
  /** Lines on the screen; Infinity where there is none. */
  readonly rows: number;
  /** Writes all of the text before it returns; a reader that has gone away is ignored. */
  write(text: string): void;
}

/** What aiotest asks of the machine that it runs on. */
export interface Host {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** An environment variable, or undefined. */
  env(name: string): string | undefined;
  /** A file's text; rejects with `Deno.errors.NotFound` and its like. */
  readTextFile(path: string): Promise<string>;
  /** A file's bytes; rejects as {@link readTextFile} does. */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Replaces a file's text, and creates the file where there is none. */
  writeTextFile(path: string, text: string): Promise<void>;
  /** Writes a new file, and makes the folders that it lies in; rejects with `Deno.errors.AlreadyExists` and its like. */
  createTextFile(path: string, text: string): Promise<void>;
  /** Adds a line to a file at once, and creates the file where there is none. */
  appendLine(path: string, line: string): void;
  /** Creates the file where there is none, and leaves it as it is otherwise; rejects where it cannot be written. */
  touch(path: string): Promise<void>;
  /** Opens a file that grows; throws `Deno.errors.NotFound` and its like. */
  openFile(path: string, options: OpenOptions): DiskFile;
  /** Whether a file of this name can be seen. */
  isFile(path: string): Promise<boolean>;
  /** What is known of a file; null where there is none. */
  fileInfo(path: string): Promise<FileInfo | null>;
  /** What is in a folder, by name; nothing where there is none. */
  listFolder(path: string): Promise<readonly FolderEntry[]>;
  /** Makes a folder for this user alone, which goes when the process ends. */
  createPrivateFolder(): PrivateFolder;
  /** Imports an ES module from a file. */
  importModule(path: string): Promise<Record<string, unknown>>;
  /**
   * Calls `handler` at each Ctrl-C or SIGTERM, until the function returned is called. A child of
   * {@link spawnSelf} ignores Ctrl-C: the terminal sends it to parent and children alike, and what
   * becomes of the children is for the parent to say.
   */
  onInterrupt(handler: () => void): () => void;
  /**
   * Calls `handler` with what was thrown where nobody can catch it, such as the rejection of a promise
   * that nobody awaits, until the function returned is called. Without a handler it ends the process.
   */
  onUncaughtError(handler: (thrown: unknown) => void): () => void;
  /** Gives what code prints with `console` to `print`, until the function returned is called. */
  onConsole(print: (text: string) => void): () => void;
  /** Seconds of processor time that this process has used. */
  cpuSeconds(): number;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly pid: number;
  /** Takes connections; rejects with `Deno.errors.AddrInUse` and its like. */
  listen(at: ListenOptions): StreamListener;
  /** Answers HTTP requests; throws `Deno.errors.AddrInUse` and its like. */
  serveWeb(at: WebListenOptions, handle: WebHandler): WebListener;
  /** Opens a connection; rejects with `Deno.errors.ConnectionRefused` and its like. */
  connect(to: ConnectOptions): Promise<ByteStream>;
  /** Files and sockets that this process may have open, or null where nobody knows. */
  openFileLimit(): Promise<number | null>;
  /** Starts this same program as a child, which ends when this process does, in whatever way. */
  spawnSelf(args: readonly string[], options: ChildOptions): Child;
  /**
   * In a child of {@link spawnSelf}: calls `handler` when the parent is gone, until the function
   * returned is called. Elsewhere nothing is watched.
   */
  onParentGone(handler: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** The machine that this process runs on; asked for once in a process. */
export function denoHost(): Host {
  const isChild = becomeChild();
  return {
    args: Deno.args,
    cwd: Deno.cwd(),
    hostname: Deno.hostname(),
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    env: (name) => Deno.env.get(name),
    readTextFile: (path) => Deno.readTextFile(path),
    readFile: (path) => Deno.readFile(path),
    writeTextFile: (path, text) => Deno.writeTextFile(path, text),
    createTextFile,
    appendLine: (path, line) => Deno.writeTextFileSync(path, `${line}\n`, { append: true }),
    touch: async (path) => (await Deno.open(path, { create: true, append: true })).close(),
    openFile,
    isFile,
    fileInfo,
    listFolder,
    createPrivateFolder,
    importModule: (path) => import(pathToFileURL(path).href),
    onInterrupt: (handler) => onInterrupt(handler, isChild),
    onUncaughtError,
    onConsole,
    cpuSeconds,
    cores: navigator.hardwareConcurrency,
    pid: Deno.pid,
    listen,
    serveWeb,
    connect,
    openFileLimit,
    spawnSelf: (args, options) =>
      spawnSelf({ args: Deno.args, env: Deno.env.toObject() }, args, options),
    onParentGone: (handler) => isChild ? onStdinEnd(handler) : () => {},
    exit: (code) => Deno.exit(code),
  };
}

const encoder = new TextEncoder();

function output(stream: typeof Deno.stdout): Output {
  return {
    isTerminal: stream.isTerminal(),
    get columns(): number {
      return stream.isTerminal() ? Deno.consoleSize().columns : 80;
    },
    get rows(): number {
      return stream.isTerminal() ? Deno.consoleSize().rows : Infinity;
    },
    write(text: string): void {
      let rest = encoder.encode(text);
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        // `aiotest … | head` closes the pipe: the test goes on, and there is nobody left to tell.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
  };
}

async function createTextFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text, { createNew: true });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Finds out whether this process is a child, and has it ignore Ctrl-C from its first moment if it is. */
function becomeChild(): boolean {
  const isChild = Deno.env.get(CHILD_VARIABLE) !== undefined;
  if (!isChild) return false;
  // What a test file starts is no child of ours, and has another standard input.
  Deno.env.delete(CHILD_VARIABLE);
  Deno.addSignalListener("SIGINT", () => {});
  return true;
}

function onInterrupt(handler: () => void, isChild: boolean): () => void {
  // Windows knows no SIGTERM: there, closing the console window is the nearest thing.
  const term: Deno.Signal = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
  const signals: Deno.Signal[] = isChild ? [term] : ["SIGINT", term];
  for (const signal of signals) Deno.addSignalListener(signal, handler);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, handler);
  };
}

function onUncaughtError(handler: (thrown: unknown) => void): () => void {
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    handler(event.reason);
  };
  const onError = (event: ErrorEvent): void => {
    event.preventDefault();
    handler(event.error);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return () => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  };
}

function onConsole(print: (text: string) => void): () => void {
  const methods = ["debug", "log", "info", "warn", "error"] as const;
  const { console: real } = globalThis;
  const original = { ...real };
  for (const method of methods) real[method] = (...values) => print(format(...values));
  return () => {
    for (const method of methods) real[method] = original[method];
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function openFileLimit(): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  const limits = await Deno.readTextFile("/proc/self/limits");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}
