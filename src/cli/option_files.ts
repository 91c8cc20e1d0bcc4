/**
 * Files that options name: errors name the option and the file.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { decodeTextFile } from "../core/text_files.ts";

/** The part of the machine that has the files. */
export type FileReader = Pick<Host, "readTextFile" | "readFile" | "cwd">;

/**
 * Reads a text file.
 *
 * @param option the option that names the file, without its dashes.
 * @param path may be relative to the working directory.
 * @throws UsageError that names the option and the file.
 */
export async function readOptionFile(
  host: FileReader,
  option: string,
  path: string,
): Promise<string> {
  return await reading(option, path, () => host.readTextFile(resolve(host.cwd, path)));
}

/**
 * Reads a file in PEM. Comments outside its blocks can be in any encoding.
 *
 * @param option the option that names the file, without its dashes.
 * @param path may be relative to the working directory.
 * @throws UsageError that names the option and the file, but never shows what is in it.
 */
export async function readPemFile(host: FileReader, option: string, path: string): Promise<string> {
  const bytes = await reading(option, path, () => host.readFile(resolve(host.cwd, path)));
  try {
    return decodeTextFile(bytes);
  } catch {
    const text = new TextDecoder("latin1").decode(bytes);
    if (text.includes("-----BEGIN ")) return text;
    throw new UsageError(
      `--${option} ${path}: expected a file in PEM, which is text that begins with -----BEGIN`,
      "OpenSSL converts certificates and keys: openssl x509 -inform der -in FILE, or openssl pkey.",
    );
  }
}

async function reading<Content>(
  option: string,
  path: string,
  read: () => Promise<Content>,
): Promise<Content> {
  try {
    return await read();
  } catch (error) {
    throw new UsageError(
      `--${option} ${path}: cannot read the file: ${systemReason(error)}`,
      "",
      error,
    );
  }
}
