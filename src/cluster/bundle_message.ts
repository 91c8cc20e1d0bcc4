/**
 * What master and workers say to each other where a worker has no test file, right behind WELCOME.
 *
 * @module
 */

/** One file that a master hands out. */
export interface ListedFile {
  /** Where it lies among the others, its parts between slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of its bytes. */
  readonly sha256: Uint8Array;
}

/** Master, to a worker without a test file: what there is to fetch. */
export interface FilesMessage {
  readonly type: "FILES";
  /** Path of the test file among the files. */
  readonly entry: string;
  /** The folder that they come from, for messages. */
  readonly origin: string;
  readonly files: readonly ListedFile[];
}

/** Worker: wants the next bytes. All files count as one, in the order of FILES. */
export interface Need {
  readonly type: "NEED";
  readonly offset: number;
}

/** Master: the bytes from this offset on, as many as it sends at once. */
export interface Chunk {
  readonly type: "CHUNK";
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Any of these messages. */
export type BundleMessage = FilesMessage | Need | Chunk;

/** What a worker says in place of a hash that has no test file, and wants the master's. */
export const NO_TESTFILE = "";
