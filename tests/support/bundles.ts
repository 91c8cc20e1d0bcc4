import { type BundledFile, FileBundle } from "../../src/cluster/files.ts";

/** A file of a bundle. */
export function bundled(path: string, text: string): BundledFile {
  return { path, bytes: new TextEncoder().encode(text) };
}

/** A bundle whose test file is `shop.ts`. */
export function bundleOf(...files: readonly BundledFile[]): FileBundle {
  return new FileBundle({ entry: "shop.ts", origin: "/home/me", files });
}
