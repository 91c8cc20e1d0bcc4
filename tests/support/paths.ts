import { fileURLToPath } from "node:url";

/** The project's root folder, without a slash at its end. */
export const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** The full path of a file of the project, such as `cli.ts`. */
export function projectPath(path: string): string {
  return `${PROJECT_ROOT}/${path}`;
}
