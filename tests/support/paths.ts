import { fileURLToPath } from "node:url";

/** The path of a file that is named relative to tests/support/. */
export function fromFileUrl(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
