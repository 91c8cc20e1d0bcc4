import type { Child, ChildEnd, ChildOptions } from "../../src/core/child_process.ts";
import { ExitCall } from "../../src/core/exit_calls.ts";
import type {
  FileInfo,
  FolderEntry,
  FolderFile,
  OpenOptions,
  PrivateFolder,
} from "../../src/core/files.ts";
import type { Host } from "../../src/core/host.ts";
import { decodeTextFile } from "../../src/core/text_files.ts";
import type { ByteStream, StreamListener } from "../../src/core/network.ts";
import type { Output } from "../../src/core/output.ts";
import type { DescriptorReserve, LogFile, OutputFile } from "../../src/core/output_files.ts";
import type { StreamFile } from "../../src/core/stream_files.ts";
import type { WebListener } from "../../src/core/web_server.ts";
import type { Watchdog } from "../../src/core/watchdog.ts";
import { MemoryFile } from "./memory_file.ts";

/** The initial state of a {@link FakeHost}; everything else is empty. */
export interface FakeHostOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Texts by full path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Contents of files that are not text in UTF-8, by full path. */
  readonly binaries?: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Modules by full path: functions that return the exports or throw. */
  readonly modules?: Readonly<Record<string, () => Record<string, unknown>>>;
  readonly isTerminal?: boolean;
  readonly columns?: number;
}

/** Thrown by `exit`, because nothing may run after it. */
export class FakeExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the process would have exited with ${code}`);
    this.code = code;
  }
}

/** A child process controlled by the test. */
export class FakeChild implements Child {
  readonly pid: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Prints a line. */
  readonly print: (text: string) => void;
  readonly ended: Promise<ChildEnd>;
  /** The received signals. */
  readonly signals: string[] = [];
  readonly #end: (end: ChildEnd) => void;

  constructor(pid: number, args: readonly string[], { env, onLine }: ChildOptions) {
    const { promise, resolve } = Promise.withResolvers<ChildEnd>();
    this.pid = pid;
    this.args = args;
    this.env = env;
    this.print = onLine;
    this.ended = promise;
    this.#end = resolve;
  }

  /** Ends the process. */
  exit(code: number): void {
    this.#end({ code, signal: null, memoryRanOut: false });
  }

  /** Ends the process as a signal does that is not its parent's. */
  die(signal: "SIGKILL" | "SIGSEGV" | "SIGTRAP" | "SIGTERM", memoryRanOut = false): void {
    const code = 128 + { SIGKILL: 9, SIGSEGV: 11, SIGTRAP: 5, SIGTERM: 15 }[signal];
    this.#end({ code, signal, memoryRanOut });
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.signals.push(signal);
  }
}

/** An output that keeps everything written to it, until the test sets a problem. */
export class FakeOutput implements Output {
  isTerminal: boolean;
  columns: number;
  rows = Infinity;
  text = "";
  problem: string | null = null;

  constructor(isTerminal: boolean, columns: number) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }

  write(text: string): void {
    if (this.problem === null) this.text += text;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

/** A machine inside a test. Its working directory is `/home/me`, and it has no effect outside the test. */
export class FakeHost implements Host {
  readonly args: readonly string[];
  readonly cwd = "/home/me";
  readonly hostname = "testhost";
  readonly cores = 2;
  readonly pid = 4711;
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  /** Texts by full path. */
  readonly files: Map<string, string>;
  /** Sizes that differ from those of the texts, by full path. */
  readonly sizes = new Map<string, number>();
  /** When files were changed, in milliseconds, by full path; 0 for all others. */
  readonly times = new Map<string, number>();
  /** Targets of links, by full path. */
  readonly links = new Map<string, string>();
  /** Why files cannot be written, by full path; noticed before the run, or only when they are written. */
  readonly unwritable = new Map<
    string,
    { readonly reason: string; readonly at: "check" | "write" }
  >();
  /** The number of calls of {@link reserveDescriptors} that still hold theirs. */
  reserved = 0;
  /** The files for {@link openFile}, by full path. */
  readonly disk = new Map<string, MemoryFile>();
  /** The children started by {@link spawnSelf}. */
  readonly children: FakeChild[] = [];
  /** The exit code; null while the process runs. */
  exitCode: number | null = null;
  /** Used processor time in seconds; set by the test. */
  cpu = 0;
  /** Set by the test. */
  openFiles: number | null = null;
  readonly #binaries: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  readonly #env: Readonly<Record<string, string>>;
  readonly #modules: Readonly<Record<string, () => Record<string, unknown>>>;
  readonly #logs = new Map<string, LogFile>();
  interruptedEarly = false;
  /** Set by the test. */
  isChild = false;
  #earlyHandler: (() => void) | null = null;
  readonly #interruptHandlers = new Set<() => void>();
  readonly #exitHandlers = new Set<(call: ExitCall) => void>();
  #errorHandlers: ((thrown: unknown) => void)[] = [];
  readonly #parentHandlers = new Set<() => void>();

  constructor(options: FakeHostOptions = {}) {
    const { isTerminal = false, columns = 80 } = options;
    this.args = options.args ?? [];
    this.stdout = new FakeOutput(isTerminal, columns);
    this.stderr = new FakeOutput(isTerminal, columns);
    this.files = new Map(Object.entries(options.files ?? {}));
    this.#binaries = options.binaries ?? {};
    this.#env = options.env ?? {};
    this.#modules = options.modules ?? {};
  }

  env(name: string): string | undefined {
    return this.#env[name];
  }

  envNames(): string[] {
    return Object.keys(this.#env);
  }

  async readTextFile(path: string): Promise<string> {
    return decodeTextFile(await this.readFile(path));
  }

  readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const text = this.files.get(path);
    if (text !== undefined) return Promise.resolve(new TextEncoder().encode(text));
    const binary = this.#binaries[path];
    if (binary !== undefined) return Promise.resolve(binary);
    return Promise.reject(new Deno.errors.NotFound(`no file ${path}`));
  }

  createTextFile(path: string, text: string): Promise<void> {
    if (this.files.has(path)) {
      return Promise.reject(new Deno.errors.AlreadyExists(`there is a file ${path}`));
    }
    this.files.set(path, text);
    return Promise.resolve();
  }

  outputFile(path: string): OutputFile {
    this.#checkWritable(path, "check");
    return {
      identity: this.links.get(path) ?? path,
      clear: () => void this.files.delete(path),
      write: (texts) =>
        new Promise((resolve) => {
          this.#checkWritable(path, "write");
          this.files.set(path, [...texts].join(""));
          resolve();
        }),
    };
  }

  async streamFile(path: string): Promise<StreamFile> {
    await Promise.resolve();
    this.#checkWritable(path, "check");
    this.files.set(path, "");
    const decoder = new TextDecoder();
    return {
      write: async (bytes) => {
        await Promise.resolve();
        this.#checkWritable(path, "write");
        this.files.set(path, this.files.get(path)! + decoder.decode(bytes, { stream: true }));
      },
      clear: () => {
        this.files.set(path, "");
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
  }

  logFile(path: string): LogFile {
    this.#checkWritable(path, "check");
    const file = this.#logs.get(path) ?? this.#newLog(path);
    this.#logs.set(path, file);
    return file;
  }

  #newLog(path: string): LogFile {
    this.files.set(path, this.files.get(path) ?? "");
    let problem: string | null = null;
    return {
      get problem(): string | null {
        return problem;
      },
      append: (line) => {
        const reason = this.unwritable.get(path)?.reason ?? null;
        if (reason === null) this.files.set(path, `${this.files.get(path) ?? ""}${line}\n`);
        const isNew = problem === null;
        problem ??= reason;
        return isNew ? problem : null;
      },
    };
  }

  #checkWritable(path: string, at: "check" | "write"): void {
    const found = this.unwritable.get(path);
    if (found?.at === at) throw new Error(found.reason);
  }

  reserveDescriptors(): DescriptorReserve {
    this.reserved++;
    return { use: (change) => change(), release: () => void this.reserved-- };
  }

  openFile(path: string, { create }: OpenOptions): MemoryFile {
    let file = this.disk.get(path);
    if (file === undefined) {
      if (!create) throw new Deno.errors.NotFound(`no file ${path}`);
      this.disk.set(path, file = new MemoryFile());
    }
    file.open();
    return file;
  }

  isFile(path: string): Promise<boolean> {
    return Promise.resolve(this.files.has(path) || Object.hasOwn(this.#modules, path));
  }

  fileInfo(path: string): Promise<FileInfo | null> {
    const text = this.files.get(path);
    if (text === undefined) return Promise.resolve(null);
    return Promise.resolve({
      size: this.sizes.get(path) ?? text.length,
      realPath: this.links.get(path) ?? path,
      identity: this.links.get(path) ?? path,
    });
  }

  listFolder(path: string): Promise<readonly FolderEntry[]> {
    const entries = new Map<string, FolderEntry>();
    for (const file of this.files.keys()) {
      if (!file.startsWith(`${path}/`)) continue;
      const [name, ...below] = file.slice(path.length + 1).split("/");
      entries.set(name!, { name: name!, kind: below.length === 0 ? "file" : "folder" });
    }
    return Promise.resolve([...entries.values()]);
  }

  async filesIn(path: string): Promise<readonly FolderFile[]> {
    return (await this.listFolder(path)).filter(({ kind }) => kind === "file").map(({ name }) => {
      const file = `${path}/${name}`;
      return { name, size: this.files.get(file)!.length, modifiedAt: this.times.get(file) ?? 0 };
    }).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  removeFile(path: string): Promise<void> {
    this.files.delete(path);
    this.disk.delete(path);
    return Promise.resolve();
  }

  createPrivateFolder(): PrivateFolder {
    const path = "/tmp/aiotest-1";
    return {
      path,
      write: (name, bytes) =>
        this.createTextFile(`${path}/${name}`, new TextDecoder().decode(bytes)),
      remove: () => {
        for (const file of [...this.files.keys()]) {
          if (file.startsWith(`${path}/`)) this.files.delete(file);
        }
      },
    };
  }

  importModule(path: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      const load = this.#modules[path];
      if (load === undefined) throw new TypeError(`Module not found "${path}".`);
      resolve(load());
    });
  }

  onEarlyInterrupt(handler: () => void): void {
    this.#earlyHandler = () => {
      this.interruptedEarly = true;
      handler();
    };
  }

  onInterrupt(handler: () => void): () => void {
    this.#earlyHandler = null;
    this.#interruptHandlers.add(handler);
    return () => void this.#interruptHandlers.delete(handler);
  }

  /** Simulates Ctrl-C. */
  interrupt(): void {
    this.#earlyHandler?.();
    for (const handler of [...this.#interruptHandlers]) handler();
  }

  onUncaughtError(handler: (thrown: unknown) => void): () => void {
    this.#errorHandlers.push(handler);
    return () => {
      this.#errorHandlers = this.#errorHandlers.filter((other) => other !== handler);
    };
  }

  /** Simulates an error that nothing has caught; the newest handler gets it, as in the real host. */
  throwUncaught(thrown: unknown): void {
    this.#errorHandlers.at(-1)?.(thrown);
  }

  onExitCall(handler: (call: ExitCall) => void): () => void {
    this.#exitHandlers.add(handler);
    return () => void this.#exitHandlers.delete(handler);
  }

  /** Simulates a call such as `Deno.exit(0)` in the test file; does not throw. */
  callExit(): void {
    for (const handler of [...this.#exitHandlers]) handler(new ExitCall("Deno.exit(0)"));
  }

  startWatchdog(): Watchdog {
    return { update: () => {}, end: () => {} };
  }

  rejectionsReported(): Promise<void> {
    return Promise.resolve();
  }

  onStalled(): void {}

  onConsole(): () => void {
    return () => {};
  }

  cpuSeconds(): number {
    return this.cpu;
  }

  localAddressProblem(address: string): string | null {
    return address.startsWith("127.")
      ? null
      : "not an address of this machine, which has 127.0.0.1";
  }

  listen(): StreamListener {
    throw new Error("a fake host does not listen");
  }

  serveWeb(): Promise<WebListener> {
    throw new Error("a fake host does not serve HTTP");
  }

  connect(): Promise<ByteStream> {
    return Promise.reject(new Error("a fake host does not connect"));
  }

  openFileLimit(): Promise<number | null> {
    return Promise.resolve(this.openFiles);
  }

  spawnSelf(args: readonly string[], options: ChildOptions): FakeChild {
    const child = new FakeChild(this.pid + 1 + this.children.length, args, options);
    this.children.push(child);
    return child;
  }

  onParentGone(handler: () => void): () => void {
    this.#parentHandlers.add(handler);
    return () => void this.#parentHandlers.delete(handler);
  }

  /** Simulates the end of the parent. */
  loseParent(): void {
    for (const handler of [...this.#parentHandlers]) handler();
  }

  exit(code: number): never {
    this.exitCode ??= code;
    throw new FakeExit(code);
  }
}
