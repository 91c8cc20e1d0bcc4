import { resolve } from "node:path";
import type { Host } from "../core/host.ts";

/** SHA-256 of a test file's text, as hexadecimal digits: whether two nodes have the same one. */
export async function testFileHash(host: Host, path: string): Promise<string> {
  const bytes = await host.readFile(resolve(host.cwd, path));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
