/**
 * Test files for workers that have none: the master's side, which serves the test file with everything
 * that it imports and reads, and the worker's side, which downloads it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";
import { AiotestError, errorText, ExitCode } from "../core/errors.ts";
import { peerText } from "../core/text.ts";
import type { Channel } from "./channel.ts";
import { MasterConnection, type MasterConnectionOptions } from "./master_connection.ts";
import { MAX_PATH, type Message, NO_TESTFILE, ProtocolError } from "./protocol.ts";

/** One file of a bundle. */
export interface BundledFile {
  /** Relative to the folder of the bundle, with slashes. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The content of a bundle. */
export interface BundleContents {
  /** The path of the test file among the files. */
  readonly entry: string;
  /** The folder that the files come from, for messages. */
  readonly origin: string;
  readonly files: readonly BundledFile[];
}

/** The maximum number of files in a bundle, and of bytes in all of them. */
export const MAX_FILES = 1000;
export const MAX_BYTES = 64 * 1024 * 1024;

/** Bytes that are sent at once. */
const CHUNK_BYTES = 256 * 1024;

/** A test file with its other files, and their hash, which is the same on every machine. */
export class FileBundle {
  /** The message that describes the bundle to a worker. */
  readonly list: Message<"FILES">;
  /** SHA-256 of all names and contents in hexadecimal. */
  readonly hash: string;
  /** In bytes. */
  readonly size: number;
  readonly #files: readonly BundledFile[];

  /** @throws RangeError if {@link listProblem} finds a problem. */
  constructor({ entry, origin, files }: BundleContents) {
    this.#files = files.toSorted((a, b) => a.path < b.path ? -1 : 1);
    const listed = this.#files.map(({ path, bytes }) => ({
      path,
      size: bytes.length,
      sha256: sha256(bytes),
    }));
    this.list = { type: "FILES", entry, origin, files: listed };
    const problem = listProblem(this.list);
    if (problem !== null) throw new RangeError(problem);
    this.hash = listHash(this.list);
    this.size = sizeOf(listed);
  }

  /** Returns bytes of the concatenated files from an offset on; none at the end. */
  chunk(offset: number): Uint8Array<ArrayBuffer> {
    const chunk = new Uint8Array(Math.max(0, Math.min(CHUNK_BYTES, this.size - offset)));
    let start = 0;
    for (const { bytes } of this.#files) {
      const from = Math.max(0, offset - start);
      const at = Math.max(0, start - offset);
      if (at < chunk.length) chunk.set(bytes.subarray(from, from + chunk.length - at), at);
      start += bytes.length;
    }
    return chunk;
  }
}

/** Returns why files cannot be a bundle; null if they can. */
export function listProblem({ entry, files }: Message<"FILES">): string | null {
  if (files.length > MAX_FILES) return `${files.length} files are more than ${MAX_FILES}`;
  if (sizeOf(files) > MAX_BYTES) {
    return `${sizeOf(files)} bytes are more than ${MAX_BYTES / 1024 / 1024} MiB`;
  }
  for (const { path } of files) {
    const problem = pathProblem(path);
    if (problem !== null) return `${JSON.stringify(path)} ${problem}`;
  }
  if (!files.some(({ path }) => path === entry)) return "the test file is not among the files";
  return nameClash(files.map(({ path }) => path));
}

/** SHA-256 of a list that includes the hash of each file, in hexadecimal. */
export function listHash({ entry, files }: Message<"FILES">): string {
  const all = [entry, ...files.map(({ path, size, sha256 }) => [path, size, sha256.toHex()])];
  return sha256(new TextEncoder().encode(JSON.stringify(all))).toHex();
}

/** The size of all files in bytes. */
function sizeOf(files: readonly Pick<Message<"FILES">["files"][number], "size">[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Some systems do not distinguish names that differ only in upper and lower case. */
function nameClash(paths: readonly string[]): string | null {
  const seen = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths) {
    const plain = path.normalize().toLowerCase();
    if (seen.has(plain)) return `${JSON.stringify(path)} is not unique on some systems`;
    seen.add(plain);
    const parts = plain.split("/");
    for (let i = 1; i < parts.length; i++) folders.add(parts.slice(0, i).join("/"));
  }
  const both = [...seen].find((path) => folders.has(path));
  return both === undefined ? null : `${JSON.stringify(both)} is both a file and a folder`;
}

/** Characters that no system accepts in a name, or that have a special meaning on some. */
// deno-lint-ignore no-control-regex -- control characters are among them
const FORBIDDEN = /[\x00-\x1f\x7f\\:*?"<>|]/;

/** Names of devices on Windows, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Returns why a path is not valid for a file inside a folder on every system; null if it is. Its parts are
 * separated by slashes, and none of them leads out of the folder.
 */
export function pathProblem(path: string): string | null {
  if (path.length > MAX_PATH) return `has more than ${MAX_PATH} characters`;
  if (!path.isWellFormed() || FORBIDDEN.test(path)) {
    return "has a character that some systems do not allow";
  }
  const parts = path.split("/");
  if (parts.includes("..")) return "leads out of its folder";
  if (parts.includes("") || parts.includes(".")) return "is not the path of a file inside a folder";
  // Windows drops a dot or a space at the end, so two names would be the same.
  if (parts.some((part) => /[. ]$/.test(part) || DEVICE.test(part))) {
    return "has a name that some systems do not allow";
  }
  return null;
}

/** What a {@link FileServer} needs. */
export interface FileServerOptions {
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** A worker that is silent for this long is disconnected. */
const SILENCE_MS = 10_000;

/** Sends the master's test file to workers that have none. They do not take part in the run yet. */
export class FileServer {
  readonly #bundle: FileBundle;
  readonly #options: FileServerOptions;
  readonly #channels = new Set<Channel>();

  constructor(bundle: FileBundle, options: FileServerOptions) {
    this.#bundle = bundle;
    this.#options = options;
  }

  /** The hash of the files; workers that have downloaded them join with it. */
  get hash(): string {
    return this.#bundle.hash;
  }

  /** Serves a worker until it disconnects. */
  async serve(channel: Channel, { workerId }: Pick<Message<"JOIN">, "workerId">): Promise<void> {
    const { clock, info } = this.#options;
    info(`Worker ${peerText(workerId)} is downloading the test file.`);
    this.#channels.add(channel);
    const startTimer = (): Timer => clock.setTimer(() => channel.close(), SILENCE_MS);
    let timer = startTimer();
    try {
      channel.send(this.#bundle.list);
      for (;;) {
        const message = await channel.receive();
        if (message === null) break;
        clock.clearTimer(timer);
        timer = startTimer();
        if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
        else if (message.type === "NEED") this.#sendChunk(channel, message.offset);
        else if (message.type === "ERROR") this.#warn(workerId, message.text);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      channel.refuse(error, clock);
      await channel.flushed();
    } finally {
      clock.clearTimer(timer);
      this.#channels.delete(channel);
      channel.close();
    }
  }

  /** Disconnects all workers that are being served. */
  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #sendChunk(channel: Channel, offset: number): void {
    const data = this.#bundle.chunk(offset);
    if (data.length > 0) channel.send({ type: "CHUNK", offset, data });
  }

  #warn(workerId: string, text: string): void {
    this.#options.warn(
      `Worker ${peerText(workerId)} cannot use the test file: ${peerText(text)}`,
    );
  }
}

/**
 * A bundle that is being received. Its files are available only once all of them have arrived and match
 * the hashes from the master.
 */
export class PartialBundle {
  readonly list: Message<"FILES">;
  /** The size of all files in bytes. */
  readonly size: number;
  /** Bytes that have arrived. */
  received = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /**
   * @param hash of the list; the master has proved that it comes from it.
   * @throws AiotestError if the hash differs or the files cannot be a bundle.
   */
  constructor(list: Message<"FILES">, hash: string) {
    const problem = listProblem(list);
    if (problem !== null) {
      throw rejected(`the list of files is not acceptable: ${peerText(problem)}`);
    }
    if (listHash(list) !== hash) throw rejected("the list of files was changed on the way");
    this.list = list;
    this.size = sizeOf(list.files);
    this.#bytes = new Uint8Array(this.size);
  }

  /** Whether everything has arrived. */
  get complete(): boolean {
    return this.received === this.size;
  }

  /**
   * Adds the next bytes. Returns false for any other bytes, such as those that a network delivers twice.
   *
   * @throws AiotestError if there are more bytes than expected.
   */
  add({ offset, data }: Message<"CHUNK">): boolean {
    if (offset !== this.received || this.complete) return false;
    if (data.length > this.size - offset) throw rejected("there are more bytes than in its files");
    this.#bytes.set(data, offset);
    this.received += data.length;
    return true;
  }

  /**
   * Returns the files.
   *
   * @throws AiotestError if the content of a file does not match its hash.
   */
  files(): BundledFile[] {
    let at = 0;
    return this.list.files.map(({ path, size, sha256: expected }) => {
      const bytes = this.#bytes.subarray(at, at += size);
      if (sha256(bytes).toHex() === expected.toHex()) return { path, bytes };
      throw rejected(`${path} was changed on the way`);
    });
  }
}

function rejected(reason: string): AiotestError {
  return new AiotestError(
    `The master's test file was rejected: ${reason}`,
    ExitCode.cluster,
    "If the network between master and workers is not trusted, use --tls-cert and --tls-ca.",
  );
}

/** A bundle that has been downloaded. */
export interface DownloadedFiles extends BundleContents {
  /** The worker can join with this hash. */
  readonly hash: string;
}

/** How a bundle is downloaded. */
export interface DownloadOptions {
  /** The connection to the master; the hash of a test file in it is ignored. */
  readonly connection: MasterConnectionOptions;
  /** Uses the downloaded files; if that fails, sends the reason to the master. */
  readonly use: (bundle: DownloadedFiles) => Promise<void>;
}

/** Between two progress messages. */
const PROGRESS_MS = 2_000;

const MEGABYTE = 1e6;

/** Downloads the test file from the master. A download that is interrupted starts again. */
export class FileDownload {
  readonly #options: DownloadOptions;
  readonly #connection: MasterConnection;
  #hash = "";
  #partial: PartialBundle | null = null;
  /** Whether everything has arrived. */
  #arrived = false;
  #used = false;
  #failure: unknown = null;
  #progressAt = 0;

  constructor(options: DownloadOptions) {
    const { connection } = options;
    this.#options = options;
    this.#connection = new MasterConnection(
      { ...connection, identity: { ...connection.identity, testfileHash: NO_TESTFILE } },
      {
        onJoined: ({ welcome }) => this.#begin(welcome.filesHash),
        onHeard: () => {},
        onMessage: (message) => this.#handle(message),
        onLost: () => {},
      },
    );
  }

  /**
   * Resolves with true once the files have been used; with false if the download was stopped.
   *
   * @throws AiotestError if the master has no files for this worker, cannot be reached for too long, or
   * sends invalid files; and what `use` throws.
   */
  async run(): Promise<boolean> {
    await this.#connection.run();
    if (this.#failure !== null) throw this.#failure;
    return this.#used;
  }

  /** Stops the download. */
  stop(): void {
    void this.#connection.close();
  }

  #begin(hash: string): void {
    this.#hash = hash;
    this.#partial = null;
    this.#progressAt = this.#options.connection.clock.now();
  }

  #handle(message: Message): void {
    if (this.#arrived) return;
    try {
      if (message.type === "FILES") this.#start(message);
      else if (message.type === "CHUNK") this.#add(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #start(list: Message<"FILES">): void {
    if (this.#partial !== null) return;
    this.#partial = new PartialBundle(list, this.#hash);
    this.#continue(this.#partial);
  }

  #add(chunk: Message<"CHUNK">): void {
    if (this.#partial?.add(chunk) !== true) return;
    this.#logProgress(this.#partial);
    this.#continue(this.#partial);
  }

  #continue(partial: PartialBundle): void {
    if (!partial.complete) {
      return this.#connection.send({ type: "NEED", offset: partial.received });
    }
    const { entry, origin } = partial.list;
    const files = partial.files();
    const bundle = { entry, origin: peerText(origin), hash: this.#hash, files };
    this.#arrived = true;
    this.#partial = null;
    const { connection: { info, master } } = this.#options;
    info(
      `Got the test file ${
        peerText(entry)
      } from the master at ${master}: files: ${files.length}, ` +
        `bytes: ${partial.size}.`,
    );
    void this.#use(bundle);
  }

  async #use(bundle: DownloadedFiles): Promise<void> {
    try {
      await this.#options.use(bundle);
      this.#used = true;
    } catch (error) {
      return this.#fail(error);
    }
    void this.#connection.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const text = error instanceof AiotestError ? error.message : errorText(error);
    this.#connection.send({ type: "ERROR", code: "testfile", text });
    void this.#connection.close();
  }

  #logProgress({ received, size }: PartialBundle): void {
    const { clock, info } = this.#options.connection;
    if (clock.now() - this.#progressAt < PROGRESS_MS) return;
    this.#progressAt = clock.now();
    info(`Downloading the test file: ${megabytes(received)} of ${megabytes(size)} MB.`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
