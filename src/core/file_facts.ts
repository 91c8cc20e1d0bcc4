/** What is known of a file without reading it. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  /** Where it lies when all links on the way to it are followed. */
  readonly realPath: string;
}

/** Something in a folder. */
export interface FolderEntry {
  readonly name: string;
  /** A link counts as what it leads to, unless that is a folder: nobody wants to go in circles. */
  readonly kind: "file" | "folder";
}

/** Null where there is no such file. */
export async function fileFacts(path: string): Promise<FileFacts | null> {
  try {
    const { isFile, size } = await Deno.stat(path);
    return isFile ? { size, realPath: await Deno.realPath(path) } : null;
  } catch (error) {
    if (isNothing(error)) return null;
    throw error;
  }
}

/** Files and folders in a folder, by name; none where there is no such folder. */
export async function listFolder(path: string): Promise<FolderEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries
      .map(({ name, isDirectory }): FolderEntry => ({
        name,
        kind: isDirectory ? "folder" : "file",
      }))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (isNothing(error)) return [];
    throw error;
  }
}

function isNothing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
