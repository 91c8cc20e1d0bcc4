import { dirname } from "node:path";
import { PROJECT_ROOT } from "../paths.ts";

/** The files that `.dockerignore` includes. It starts by excluding everything. */
function admitted(): string[] {
  const lines = Deno.readTextFileSync(`${PROJECT_ROOT}/.dockerignore`).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*") throw new Error(".dockerignore does not start with *");
  return lines.slice(1).map((line) => {
    if (!/^![\w./-]+$/.test(line)) {
      throw new Error(`.dockerignore: a plain path is needed: ${line}`);
    }
    return line.slice(1);
  });
}

/** Copies into a folder what a build may see of the project. */
export function copyContext(folder: string): void {
  for (const path of admitted()) {
    Deno.mkdirSync(dirname(`${folder}/${path}`), { recursive: true });
    copy(`${PROJECT_ROOT}/${path}`, `${folder}/${path}`);
  }
}

/** Copies a file, or a folder with all that is in it, and keeps the modes. */
export function copy(from: string, to: string): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copy(`${from}/${name}`, `${to}/${name}`);
}
