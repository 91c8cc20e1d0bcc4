/**
 * `deno task compile`: makes the executable `dist/aiotest`.
 *
 * `deno compile` glues the program onto Deno's runtime stub, which it downloads unless DENORT_BIN names
 * a file; the stub must be of the compiler's own version, and DENO_COMPILER names another compiler
 * than the Deno that runs this.
 *
 * @module
 */

import { RUNTIME_FLAGS } from "./runtime_flags.ts";

const args = [
  "compile",
  ...RUNTIME_FLAGS,
  "--allow-all",
  // `deno task ok` has checked the types, and another compiler may bring other types.
  "--no-check",
  "--frozen",
  "--output=dist/aiotest",
  // A test file on disk imports "aiotest", which leads to mod.ts by the import map that is embedded.
  "--include=mod.ts",
  "--include=src",
  "cli.ts",
];
const compiler = Deno.env.get("DENO_COMPILER") ?? Deno.execPath();
const { code } = await new Deno.Command(compiler, { args }).spawn().status;
Deno.exit(code);
