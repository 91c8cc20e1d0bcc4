import type { SourceFile } from "../../build/source_file.ts";

/** A file that exists in a test only: empty, but for what the test says of it. */
export function inventedFile(path: string, parts: Partial<SourceFile> = {}): SourceFile {
  return { path, text: "", imports: [], importedNames: [], symbols: [], ...parts };
}
