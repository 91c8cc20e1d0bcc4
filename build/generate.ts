/**
 * `deno task generate`: writes what is made from the sources and committed with them: the files of
 * `aiotest init`, and the tables of docs/command-line.md. With `--check` it writes nothing, and
 * fails where something is out of date.
 *
 * @module
 */

import process from "node:process";
import { commandLinePage } from "./command_line_page.ts";
import { publicTypes } from "./public_types.ts";

/** A file, and what it is to be. */
interface Product {
  readonly path: string;
  readonly text: string;
}

/** What `aiotest init` writes. */
const FIRST_FILES = "src/cli/first_files.json";
const FIRST_TEST = "examples/first_steps.ts";
const PAGE = "docs/command-line.md";

async function makeProducts(root: string): Promise<Product[]> {
  const read = (path: string): Promise<string> => Deno.readTextFile(`${root}/${path}`);
  const types = await formatted(await publicTypes("mod.ts", read), "ts", root);
  // JSON, as every Deno embeds it in an executable; in lines, so that a diff shows what has changed.
  const firstFiles = JSON.stringify({
    "aiotestfile.ts": linesOf(await read(FIRST_TEST)),
    "aiotest.d.ts": linesOf(types),
    "deno.json": linesOf(JSON.stringify({ imports: { aiotest: "./aiotest.d.ts" } }, null, 2)),
  });
  return [
    { path: FIRST_FILES, text: await formatted(firstFiles, "json", root) },
    { path: PAGE, text: await formatted(commandLinePage(await read(PAGE)), "md", root) },
  ];
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

/** A text as `deno fmt` has it. */
async function formatted(text: string, extension: string, cwd: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext", extension, "-"],
    cwd,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([text]).stream().pipeTo(child.stdin);
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`deno fmt does not take what was generated as ${extension}`);
  return new TextDecoder().decode(stdout);
}

/** Whether every product was as it should be, or is now. */
async function bring(products: readonly Product[], root: string, write: boolean): Promise<boolean> {
  let upToDate = true;
  for (const { path, text } of products) {
    if (await readIfThere(`${root}/${path}`) === text) continue;
    if (write) await Deno.writeTextFile(`${root}/${path}`, text);
    else upToDate = false;
    process.stdout.write(
      write ? `wrote ${path}\n` : `${path} is out of date: deno task generate\n`,
    );
  }
  return upToDate;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return null;
  }
}

const unknown = Deno.args.filter((arg) => arg !== "--check");
if (unknown.length > 0) {
  process.stderr.write(`generate: unknown argument ${unknown[0]}; it takes --check, or nothing\n`);
  Deno.exit(2);
}
const root = Deno.cwd();
const upToDate = await bring(await makeProducts(root), root, !Deno.args.includes("--check"));
Deno.exit(upToDate ? 0 : 1);
