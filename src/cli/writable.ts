import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/**
 * Makes sure that a file can be written before anything is started: a run must not be lost for a
 * report that cannot be written at its end.
 *
 * @param flag the option that names the file.
 * @throws UsageError that names option and file.
 */
export async function checkWritable(host: Host, flag: string, path: string): Promise<void> {
  try {
    await host.touch(path);
  } catch (error) {
    throw new UsageError(`--${flag} ${path}: the file cannot be written (${errorText(error)})`);
  }
}
