/**
 * Which folder may import which: the rooms of the house, as a table.
 *
 * @module
 */

import { isShipped, type SourceFile, type Violation } from "./source_file.ts";

/** Rooms by name, each with the rooms that its files may import beside its own. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  // Test files, as people have them: they see what is public, and `aiotest demo` runs one.
  examples: ["mod.ts"],
  "mod.ts": ["user", "load", "shared", "core"],
  // `core` only for the real Host, which nothing but the entry point builds.
  "cli.ts": ["cli", "core"],
  core: [],
  stats: ["core"],
  http: ["core"],
  load: ["core"],
  user: ["http", "stats", "core"],
  cluster: ["stats", "core"],
  shared: ["cluster", "stats", "core"],
  runner: ["load", "user", "shared", "cluster", "stats", "core"],
  report: ["stats", "core"],
  web: ["report", "load", "stats", "core"],
  cli: [
    "mod.ts",
    "core",
    "stats",
    "http",
    "load",
    "user",
    "cluster",
    "shared",
    "runner",
    "report",
    "web",
    "examples",
  ],
};

/** The room that a path lies in, or null: `src/core/clock.ts` lies in `core`, `mod.ts` in itself. */
export function roomOf(path: string): string | null {
  if (Object.hasOwn(ROOMS, path)) return path;
  const [top, room, file] = path.split("/");
  if (top === "examples" && room !== undefined) return top;
  return top === "src" && file !== undefined && Object.hasOwn(ROOMS, room!) ? room! : null;
}

/** Imports that the table does not allow, and files of the product that lie in no room. */
export function checkRooms(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => isShipped(path) || roomOf(path) !== null)
    .flatMap(checkFile);
}

function checkFile(file: SourceFile): Violation[] {
  const room = roomOf(file.path);
  if (room === null) return [{ file: file.path, reason: "lies in no room of the table" }];
  const allowed = ROOMS[room]!;
  return file.imports.flatMap((imported) => {
    const other = roomOf(imported);
    if (other !== null && (other === room || allowed.includes(other))) return [];
    return [{ file: file.path, reason: `imports ${imported}, which ${room} may not` }];
  });
}
