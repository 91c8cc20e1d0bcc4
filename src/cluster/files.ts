/**
 * A test file with all that it needs, as a master hands it out.
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
  /** Where it lies inside the bundle, its parts between slashes. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a bundle is made of. */
export interface BundleContents {
  /** Path of the test file among the files. */
  readonly entry: string;
  /** The folder that the files come from, for messages. */
  readonly origin: string;
  readonly files: readonly BundledFile[];
}

/** Files that a bundle may have, and bytes in all of them. */
export const MAX_FILES = 1000;
export const MAX_BYTES = 64 * 1024 * 1024;

/** Bytes that are sent at once. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The files, and their hash: that of the same files is the same on every machine.
 */
export class FileBundle {
  /** What a worker is told of it. */
  readonly list: Message<"FILES">;
  /** SHA-256 of all names and contents, as hexadecimal digits. */
  readonly hash: string;
  /** Bytes of all files. */
  readonly size: number;
  readonly #files: readonly BundledFile[];

  /** @throws RangeError where the files break a rule of {@link listProblem}. */
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

  /** Some of the bytes of all files, one behind the other, from an offset on; none at the end. */
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

/** Why files cannot be a bundle, as a sentence without its dot; null where they can. */
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
  return doubleProblem(files.map(({ path }) => path));
}

/** SHA-256 of a list with the hash of each file in it, as hexadecimal digits. */
export function listHash({ entry, files }: Message<"FILES">): string {
  const all = [entry, ...files.map(({ path, size, sha256 }) => [path, size, sha256.toHex()])];
  return sha256(new TextEncoder().encode(JSON.stringify(all))).toHex();
}

/** Bytes of all files. */
export function sizeOf(files: readonly Pick<Message<"FILES">["files"][number], "size">[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** SHA-256 of some bytes. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Some systems take names that differ in upper and lower case alone to be one. */
function doubleProblem(paths: readonly string[]): string | null {
  const seen = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths) {
    const plain = path.normalize().toLowerCase();
    if (seen.has(plain)) return `${JSON.stringify(path)} is there twice, on some systems at least`;
    seen.add(plain);
    const parts = plain.split("/");
    for (let i = 1; i < parts.length; i++) folders.add(parts.slice(0, i).join("/"));
  }
  const both = [...seen].find((path) => folders.has(path));
  return both === undefined ? null : `${JSON.stringify(both)} is a file and a folder`;
}

/** What a desk works with. */
export interface FileServerOptions {
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Who says nothing for so long has gone. */
const SILENCE_MS = 10_000;

/** Where workers that have no test file get the master's. They take no part in the run as yet. */
export class FileServer {
  readonly #bundle: FileBundle;
  readonly #options: FileServerOptions;
  readonly #channels = new Set<Channel>();

  constructor(bundle: FileBundle, options: FileServerOptions) {
    this.#bundle = bundle;
    this.#options = options;
  }

  /** Of the files; who has them can join with it. */
  get hash(): string {
    return this.#bundle.hash;
  }

  /** Serves a worker, at its own pace, until it goes. */
  async serve(channel: Channel, { workerId }: Pick<Message<"JOIN">, "workerId">): Promise<void> {
    const { clock, info } = this.#options;
    info(`Worker ${peerText(workerId)} fetches the test file.`);
    this.#channels.add(channel);
    const watch = (): Timer => clock.setTimer(() => channel.close(), SILENCE_MS);
    let timer = watch();
    try {
      channel.send(this.#bundle.list);
      for (;;) {
        const message = await channel.receive();
        if (message === null) break;
        clock.clearTimer(timer);
        timer = watch();
        if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
        else if (message.type === "NEED") this.#hand(channel, message.offset);
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

  /** Serves nobody any more. */
  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #hand(channel: Channel, offset: number): void {
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
 * A bundle on its way in. Nothing of it is handed on before all of it is there, and is what the master
 * has vouched for.
 */
export class PartialBundle {
  readonly list: Message<"FILES">;
  /** Bytes that are to come in all. */
  readonly size: number;
  /** Bytes that have come. */
  received = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /**
   * @param hash what the list has to come to: the master has proved that it is its own.
   * @throws AiotestError where it does not, or where the files cannot be those of a test.
   */
  constructor(list: Message<"FILES">, hash: string) {
    const problem = listProblem(list);
    if (problem !== null) {
      throw refused(`it names files that cannot be taken: ${peerText(problem)}`);
    }
    if (listHash(list) !== hash) throw refused("the list of its files was changed on the way");
    this.list = list;
    this.size = sizeOf(list.files);
    this.#bytes = new Uint8Array(this.size);
  }

  /** Whether all has come. */
  get complete(): boolean {
    return this.received === this.size;
  }

  /**
   * Takes the next bytes; false for others, such as those that a network delivers twice.
   *
   * @throws AiotestError where there are more than were to come.
   */
  take({ offset, data }: Message<"CHUNK">): boolean {
    if (offset !== this.received || this.complete) return false;
    if (data.length > this.size - offset) throw refused("it has more bytes than its files");
    this.#bytes.set(data, offset);
    this.received += data.length;
    return true;
  }

  /**
   * What has come.
   *
   * @throws AiotestError where a file is not what the list says.
   */
  files(): BundledFile[] {
    let at = 0;
    return this.list.files.map(({ path, size, sha256: expected }) => {
      const bytes = this.#bytes.subarray(at, at += size);
      if (sha256(bytes).toHex() === expected.toHex()) return { path, bytes };
      throw refused(`${path} was changed on the way`);
    });
  }
}

function refused(reason: string): AiotestError {
  return new AiotestError(
    `The master's test file was not taken: ${reason}`,
    ExitCode.cluster,
    "Where somebody may be between master and workers: --tls-cert and --tls-ca.",
  );
}

/** A bundle that has come, whole. */
export interface DownloadedFiles extends BundleContents {
  /** Who has it can join with this. */
  readonly hash: string;
}

/** How a bundle is fetched. */
export interface DownloadOptions {
  /** The way to the master; what the identity says of a test file does not matter. */
  readonly link: MasterConnectionOptions;
  /** Does something with what has come; where that fails, the master is told why. */
  readonly use: (bundle: DownloadedFiles) => Promise<void>;
}

/** How often somebody who waits hears how far it is. */
const PROGRESS_MS = 2_000;

const MEGABYTE = 1e6;

/** Gets the test file from the master, once. What was cut off in the middle begins again. */
export class FileDownload {
  readonly #options: DownloadOptions;
  readonly #link: MasterConnection;
  #hash = "";
  #receipt: PartialBundle | null = null;
  /** Whether all has come, and nothing more is waited for. */
  #arrived = false;
  #used = false;
  #failure: unknown = null;
  #toldAt = 0;

  constructor(options: DownloadOptions) {
    const { link } = options;
    this.#options = options;
    this.#link = new MasterConnection(
      { ...link, identity: { ...link.identity, testfileHash: NO_TESTFILE } },
      {
        onJoined: ({ welcome }) => this.#begin(welcome.filesHash),
        onHeard: () => {},
        onMessage: (message) => this.#take(message),
        onLost: () => {},
      },
    );
  }

  /**
   * Resolves when what has come was used; false: it was stopped before.
   *
   * @throws AiotestError where the master has no files for this worker, is not found for too long, or
   * sends what cannot be taken; and what using it throws.
   */
  async run(): Promise<boolean> {
    await this.#link.run();
    if (this.#failure !== null) throw this.#failure;
    return this.#used;
  }

  /** Waits no longer. */
  stop(): void {
    void this.#link.close();
  }

  #begin(hash: string): void {
    this.#hash = hash;
    this.#receipt = null;
    this.#toldAt = this.#options.link.clock.now();
  }

  #take(message: Message): void {
    if (this.#arrived) return;
    try {
      if (message.type === "FILES") this.#list(message);
      else if (message.type === "CHUNK") this.#add(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #list(list: Message<"FILES">): void {
    if (this.#receipt !== null) return;
    this.#receipt = new PartialBundle(list, this.#hash);
    this.#goOn(this.#receipt);
  }

  #add(chunk: Message<"CHUNK">): void {
    if (this.#receipt?.take(chunk) !== true) return;
    this.#tell(this.#receipt);
    this.#goOn(this.#receipt);
  }

  #goOn(receipt: PartialBundle): void {
    if (!receipt.complete) {
      return this.#link.send({ type: "NEED", offset: receipt.received });
    }
    const { entry, origin } = receipt.list;
    const files = receipt.files();
    const bundle = { entry, origin: peerText(origin), hash: this.#hash, files };
    this.#arrived = true;
    this.#receipt = null;
    const { link: { info, master } } = this.#options;
    info(
      `Got the test file ${
        peerText(entry)
      } from the master at ${master}: files: ${files.length}, ` +
        `bytes: ${receipt.size}.`,
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
    void this.#link.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const text = error instanceof AiotestError ? error.message : errorText(error);
    this.#link.send({ type: "ERROR", code: "testfile", text });
    void this.#link.close();
  }

  #tell({ received, size }: PartialBundle): void {
    const { clock, info } = this.#options.link;
    if (clock.now() - this.#toldAt < PROGRESS_MS) return;
    this.#toldAt = clock.now();
    info(`The test file comes from the master: ${megabytes(received)} of ${megabytes(size)} MB.`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

/** What no system takes, or what has a meaning of its own on some. */
// deno-lint-ignore no-control-regex -- no system takes them in a name
const FORBIDDEN = /[\x00-\x1f\x7f\\:*?"<>|]/;

/** Names that are devices on Windows, whatever comes behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Why a path cannot be that of a file inside a folder, on whatever system; null where it can. Such a
 * path has its parts between slashes, and none of them leads anywhere but down.
 */
export function pathProblem(path: string): string | null {
  if (path.length > MAX_PATH) return `has more than ${MAX_PATH} characters`;
  if (!path.isWellFormed() || FORBIDDEN.test(path)) {
    return "has a character that some systems do not take";
  }
  const parts = path.split("/");
  if (parts.includes("..")) return "leads out of its folder";
  if (parts.includes("") || parts.includes(".")) return "is not the path of a file inside a folder";
  // Windows drops a dot or a space at the end: two names would be one.
  if (parts.some((part) => /[. ]$/.test(part) || DEVICE.test(part))) {
    return "has a name that some systems do not take";
  }
  return null;
}
