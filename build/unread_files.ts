/**
 * Files of a package that only editors, debuggers and browsers read. Together they are more than half of
 * what would be embedded, and the executable reads all that is embedded whenever it starts.
 *
 * @module
 */

const UNREAD = [
  /\.map$/,
  /\.d\.[cm]?ts$/,
  // Whole programs for a browser's script tag.
  /\/(?:iife|umd)\//,
  /\.umd(?:\.min)?\.js$/,
];

/** Paths of such files below a folder. */
export async function unreadFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...await unreadFiles(path));
    else if (UNREAD.some((pattern) => pattern.test(path))) paths.push(path);
  }
  return paths;
}
