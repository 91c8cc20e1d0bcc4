/**
 * Data files that a test file names, with `*` and `?` in their names.
 *
 * @module
 */

import { resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** Files and folders that are looked at for one pattern: who has more of them has named the wrong folder. */
const MAX_LOOKS = 100_000;

/**
 * The files in a folder that a pattern names, as full paths. `*` and `?` stand for characters of one
 * name, `**` for folders, however many; none of them finds a name that begins with a dot.
 *
 * @param pattern relative to the folder, its parts between slashes.
 * @throws UsageError where it leads out of the folder, or names no file.
 */
export async function filesOfPattern(
  host: Pick<Host, "fileFacts" | "listFolder">,
  folder: string,
  pattern: string,
): Promise<string[]> {
  const parts = pattern.split("/").filter((part) => part !== ".");
  if (parts.includes("") || parts.includes("..") || /^[a-z]:|\\/i.test(pattern)) {
    throw new UsageError(
      `files: ${JSON.stringify(pattern)} is no name of a file in the test file's folder`,
      'Names are relative to the test file: "accounts.csv", "data/*.json".',
    );
  }
  const found: string[] = [];
  let looks = 0;
  const search = async (at: string, [part, ...below]: readonly string[]): Promise<void> => {
    if (part === undefined) return;
    if (!/[*?]/.test(part)) return await step(at, part, below);
    if (part === "**") await search(at, below.length === 0 ? ["*"] : below);
    const matcher = part === "**" ? ANY : matcherOf(part);
    for (const { name, kind } of await host.listFolder(at)) {
      if (++looks > MAX_LOOKS) {
        throw new UsageError(
          `files: ${JSON.stringify(pattern)} has too many files to look through`,
        );
      }
      if (name.startsWith(".") && !part.startsWith(".")) continue;
      if (!matcher.test(name)) continue;
      if (part === "**") {
        if (kind === "folder") await search(resolve(at, name), [part, ...below]);
      } else await step(at, name, below);
    }
  };
  const step = async (at: string, name: string, below: readonly string[]): Promise<void> => {
    const path = resolve(at, name);
    if (below.length > 0) return await search(path, below);
    if (await host.fileFacts(path) !== null) found.push(path);
  };
  await search(folder, parts);
  if (found.length > 0) return [...new Set(found)];
  throw new UsageError(`files: there is no file ${JSON.stringify(pattern)} in ${folder}`);
}

const ANY = /^/;

function matcherOf(part: string): RegExp {
  const source = [...part].map((one) =>
    one === "*" ? ".*" : one === "?" ? "." : one.replace(/[$()*+.?[\\\]^{|}/-]/, "\\$&")
  );
  return new RegExp(`^${source.join("")}$`, "su");
}
