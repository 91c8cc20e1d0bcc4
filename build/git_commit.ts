import { runCommand } from "./command.ts";

/**
 * The commit that a work tree was made from, as a short hash, with a `+` where files are not as they
 * were committed; null where nobody knows, such as in an unpacked archive.
 */
export async function gitCommit(root: string): Promise<string | null> {
  try {
    const head = await runCommand("git", ["rev-parse", "--short", "HEAD"], { cwd: root });
    const status = await runCommand("git", ["status", "--porcelain"], { cwd: root });
    if (head.code !== 0 || status.code !== 0) return null;
    return `${head.stdout.trim()}${status.stdout === "" ? "" : "+"}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
