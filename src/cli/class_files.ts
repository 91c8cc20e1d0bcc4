/**
 * Reads the files that user classes need, such as descriptions of services.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import type { Host } from "../core/host.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { loadFiles } from "../user/user.ts";

/**
 * Reads the files of classes; resolves with their full paths, each once.
 *
 * @param testFile its path, relative to the working directory, or absolute.
 * @throws UsageError if one is missing or invalid.
 */
export async function loadClassFiles(
  host: Host,
  testFile: string,
  classes: readonly DiscoveredClass[],
): Promise<string[]> {
  const folder = dirname(resolve(host.cwd, testFile));
  const paths = new Set<string>();
  for (const { name, userClass } of classes) {
    for (const path of await userClass[loadFiles]({ name, folder, reader: host })) paths.add(path);
  }
  return [...paths];
}
