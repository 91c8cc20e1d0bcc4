/**
 * Checks the rules of the house that no linter knows; `deno task ok` runs it. Prints a line for each
 * violation and exits with 1 where there is one.
 *
 * @module
 */

import process from "node:process";
import { checkCycles } from "./cycles.ts";
import { checkMachineAccess } from "./machine_access.ts";
import { projectFiles } from "./project_files.ts";
import { checkRooms } from "./rooms.ts";
import { checkScripts } from "./scripts.ts";
import { readSources } from "./source_reader.ts";
import { checkUnusedExports } from "./unused_exports.ts";

const RULES = [
  checkRooms,
  checkCycles,
  checkMachineAccess,
  checkUnusedExports,
  checkScripts,
];

if (import.meta.main) {
  const root = Deno.cwd();
  const { files, violations } = await readSources(root, await projectFiles(root));
  const all = [...violations, ...RULES.flatMap((check) => check(files))];
  process.stdout.write(all.map(({ file, reason }) => `${file}: ${reason}\n`).join(""));
  Deno.exit(all.length > 0 ? 1 : 0);
}
