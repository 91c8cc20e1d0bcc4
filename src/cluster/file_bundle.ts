/**
 * A test file with all that it needs, as a master hands it out.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { FilesMessage, ListedFile } from "./bundle_message.ts";
import { pathProblem } from "./file_path.ts";

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
 *
 * ```ts
 * import { FileBundle } from "./file_bundle.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("export {};");
 * const bundle = new FileBundle({
 *   entry: "shop.ts", origin: "/home/me", files: [{ path: "shop.ts", bytes }],
 * });
 * assert.equal(bundle.size, 10);
 * assert.equal(new TextDecoder().decode(bundle.chunk(7)), "{};");
 * ```
 */
export class FileBundle {
  /** What a worker is told of it. */
  readonly list: FilesMessage;
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
export function listProblem({ entry, files }: FilesMessage): string | null {
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
export function listHash({ entry, files }: FilesMessage): string {
  const all = [entry, ...files.map(({ path, size, sha256 }) => [path, size, sha256.toHex()])];
  return sha256(new TextEncoder().encode(JSON.stringify(all))).toHex();
}

/** Bytes of all files. */
export function sizeOf(files: readonly Pick<ListedFile, "size">[]): number {
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
