/**
 * The version of aiotest.
 *
 * @module
 */

import { COMMIT } from "./build.ts";

/** The version as reports show it. */
export const VERSION = "0.1.0";

/**
 * What `--version` prints, without a line end.
 *
 * @param commit that an executable was built from; `null` from source, where the files can have changed.
 */
export function versionText(commit: string | null = COMMIT): string {
  const origin = commit === null ? "" : `commit ${commit}, `;
  return `aiotest ${VERSION} (${origin}deno ${Deno.version.deno})`;
}
