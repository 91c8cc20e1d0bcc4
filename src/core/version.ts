/** The version of aiotest, as it stands in reports. */
export const VERSION = "0.1.0";

/** What `--version` prints, without the line's end. */
export function versionText(): string {
  return `aiotest ${VERSION} (deno ${Deno.version.deno})`;
}
