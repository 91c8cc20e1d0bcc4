import { basename } from "node:path";

/** The text of a file that `sha256sum --check` reads: a line for each file, in the order given. */
export async function checksums(paths: readonly string[]): Promise<string> {
  const lines = await Promise.all(paths.map(async (path) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
    return `${new Uint8Array(digest).toHex()}  ${basename(path)}\n`;
  }));
  return lines.join("");
}
