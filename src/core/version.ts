import { COMMIT } from "./build.ts";

/** The version of aiotest, as it stands in reports. */
export const VERSION = "0.1.0";

/**
 * What `--version` prints, without the line's end.
 *
 * @param commit what an executable was made from, with a `+` where files had been changed since. From
 * source it is null: the folder may hold anything by now.
 */
export function versionText(commit: string | null = COMMIT): string {
  const origin = commit === null ? "" : `commit ${commit}, `;
  return `aiotest ${VERSION} (${origin}deno ${Deno.version.deno})`;
}
