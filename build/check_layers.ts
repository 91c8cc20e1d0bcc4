/**
 * Checks the rules of the architecture that linters do not cover: which directory may import which, no import
 * cycles, no unused exports, and no JavaScript without type checks. `deno task ok` runs it. It prints one
 * line for each violation, and exits with 1 if there is one.
 *
 * `deno info` says which file imports which, and `deno doc` which names are imported, declared and
 * exported. The rules are functions of what these two say, so that tests can define their own files.
 *
 * @module
 */

import { posix } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { codeFiles, type CommandResult, runCommand } from "./project.ts";

/** The layers: directories of `src/` and the entry points, each with what it may import in addition to itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // Test files like those of users, who see the public API only; `aiotest demo` runs one of them.
  examples: ["mod.ts"],
  "mod.ts": ["user", "load", "shared", "core"],
  // `core` only for the real Host, which only the entry point creates.
  "cli.ts": ["cli", "core"],
  core: [],
  net: ["core"],
  stats: ["core"],
  http: ["net", "core"],
  http2: ["http", "net", "core"],
  grpc: ["http", "core"],
  websocket: ["http", "net", "core"],
  load: ["core"],
  convert: ["http", "core"],
  user: ["load", "grpc", "websocket", "http2", "http", "net", "stats", "core"],
  cluster: ["stats", "core"],
  shared: ["cluster", "stats", "core"],
  runner: ["load", "user", "shared", "cluster", "net", "stats", "core"],
  report: ["stats", "core"],
  web: ["report", "load", "stats", "core"],
  cli: [
    "mod.ts",
    "core",
    "stats",
    "http",
    "net",
    "load",
    "user",
    "cluster",
    "shared",
    "runner",
    "report",
    "web",
    "convert",
    "examples",
  ],
};

/** A name that a file imports. */
export interface ImportedName {
  /** Its name in the file that imports it. */
  readonly local: string;
  /** Its name in the file that exports it. */
  readonly name: string;
  /** Path of the file that exports it. */
  readonly from: string;
}

/** A top-level declaration of a file. */
export interface DeclaredSymbol {
  readonly name: string;
  readonly exported: boolean;
  /** Names that its signature mentions: types of parameters, fields, base classes. */
  readonly mentions: readonly string[];
}

/** A file of the project. Paths are relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Paths of the project's files that it imports or re-exports from, statically or with `import()`. */
  readonly imports: readonly string[];
  /** The names that it imports or re-exports. `import()` and `export *` give no names. */
  readonly importedNames: readonly ImportedName[];
  readonly symbols: readonly DeclaredSymbol[];
}

/** A rule that a file breaks. */
export interface Violation {
  readonly file: string;
  readonly reason: string;
}

/** The layer of a path, or null: `core` for `src/core/clock.ts`, `mod.ts` for itself. */
export function layerOf(path: string): string | null {
  if (Object.hasOwn(LAYERS, path)) return path;
  const [top, directory, file] = path.split("/");
  if (top === "examples" && directory !== undefined) return top;
  const isLayer = top === "src" && file !== undefined && Object.hasOwn(LAYERS, directory!);
  return isLayer ? directory! : null;
}

/** Imports that {@link LAYERS} does not allow, and files of the product that are in no layer. */
export function checkLayers(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => path.startsWith("src/") || layerOf(path) !== null)
    .flatMap((file) => {
      const layer = layerOf(file.path);
      if (layer === null) return [{ file: file.path, reason: "is in no layer" }];
      const allowed = LAYERS[layer]!;
      return file.imports.flatMap((imported) => {
        const other = layerOf(imported);
        if (other !== null && (other === layer || allowed.includes(other))) return [];
        return [{ file: file.path, reason: `imports ${imported}, which ${layer} may not` }];
      });
    });
}

/**
 * One violation for each import that closes a cycle, found by a depth-first search. Files are visited in
 * the order given, so that the same files always give the same answer.
 */
export function checkCycles(files: readonly SourceFile[]): Violation[] {
  const imports = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const open: string[] = [];
  const violations: Violation[] = [];
  const visit = (path: string): void => {
    const at = open.indexOf(path);
    if (at >= 0) {
      const cycle = [...open.slice(at), path].join(" → ");
      violations.push({ file: path, reason: `imports itself: ${cycle}` });
      return;
    }
    if (done.has(path)) return;
    open.push(path);
    for (const imported of imports.get(path) ?? []) visit(imported);
    open.pop();
    done.add(path);
  };
  for (const file of files) visit(file.path);
  return violations;
}

/**
 * Names that `src/` exports without need. A name is used if a file outside `tests/` imports it, or if the
 * signature of a used name mentions it: a caller may need to name the type that a function returns. A test
 * may also import a name that its own file uses. A name that only tests use is dead code.
 */
export function checkUnusedExports(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const used = new Set<string>();
  const inTests = new Set<string>();
  for (const file of files) {
    for (const { from, name } of importsOf(file, byPath)) {
      if (file.path.startsWith("tests/")) inTests.add(key(from, name));
      else markUsed(byPath, from, name, used);
    }
  }
  return files.filter((file) => file.path.startsWith("src/")).flatMap((file) =>
    file.symbols
      .filter(({ name, exported }) => exported && !used.has(key(file.path, name)))
      .filter(({ name }) => !inTests.has(key(file.path, name)) || !isUsedInside(file, name))
      .map(({ name }) => ({
        file: file.path,
        reason: `exports ${name}, which ${
          inTests.has(key(file.path, name)) ? "only tests use" : "nothing uses"
        }`,
      }))
  );
}

/** JavaScript files that `deno check` would skip silently. */
export function checkScripts(files: readonly SourceFile[]): Violation[] {
  const comment = "// @ts-check";
  return files
    .filter(({ path, text }) => path.endsWith(".js") && !text.startsWith(`${comment}\n`))
    .map(({ path }) => ({ file: path, reason: `does not start with ${comment}` }));
}

/** Whether the file's code names the symbol again after its declaration. */
function isUsedInside({ text }: SourceFile, name: string): boolean {
  const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  return (code.match(new RegExp(`\\b${name}\\b`, "g")) ?? []).length > 1;
}

type Origin = Pick<ImportedName, "from" | "name">;

/** What a file imports. An import without names (`import()`, `export *`) may use every export. */
function importsOf(file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): Origin[] {
  const named = new Set(file.importedNames.map(({ from }) => from));
  const dynamic = new Set(dynamicImports(file));
  const nameless = file.imports.filter((from) => !named.has(from) || dynamic.has(from));
  const all = nameless.flatMap((from) =>
    (byPath.get(from)?.symbols ?? []).map(({ name }) => ({ from, name }))
  );
  return [...file.importedNames, ...all];
}

/** Paths of the files that it imports with `import()`. */
function dynamicImports({ path, text }: SourceFile): string[] {
  return [...text.matchAll(/\bimport\("(\.[^"]+)"/g)].map(([, name]) =>
    posix.join(posix.dirname(path), name!)
  );
}

function markUsed(
  byPath: ReadonlyMap<string, SourceFile>,
  path: string,
  name: string,
  used: Set<string>,
): void {
  if (used.has(key(path, name))) return;
  used.add(key(path, name));
  const file = byPath.get(path);
  for (const mention of file?.symbols.find((symbol) => symbol.name === name)?.mentions ?? []) {
    const imported = file!.importedNames.find(({ local }) => local === mention);
    if (imported === undefined) markUsed(byPath, path, mention, used);
    else markUsed(byPath, imported.from, imported.name, used);
  }
}

function key(path: string, name: string): string {
  return `${path} ${name}`;
}

/** The files that were read, and violations that kept the reader from understanding some of them. */
export interface ReadResult {
  readonly files: readonly SourceFile[];
  readonly violations: readonly Violation[];
}

interface InfoModule {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

interface DocDeclaration {
  readonly declarationKind: "export" | "private" | "declare";
  readonly kind: string;
  readonly location: { readonly filename: string; readonly byteIndex: number };
  readonly def?: { readonly target?: { readonly filename: string; readonly byteIndex: number } };
}

interface DocModule {
  readonly imports?: readonly { importedName: string; originalName?: string; src: string }[];
  readonly symbols: readonly { name: string; declarations: readonly DocDeclaration[] }[];
}

type DocModules = Readonly<Record<string, DocModule>>;

/** Reads files, given by their paths relative to `root`. */
export async function readSources(root: string, paths: readonly string[]): Promise<ReadResult> {
  const base = pathToFileURL(`${root}/`);
  const [modules, docs] = await Promise.all([readInfo(base, paths), readDocs(base, paths)]);
  const violations: Violation[] = modules.flatMap(({ specifier, error }) =>
    error === undefined ? [] : [{ file: relative(base, specifier), reason: error }]
  );
  if (typeof docs === "string") violations.push({ file: "deno doc", reason: docs });
  const docModules = typeof docs === "string" ? {} : docs;
  const imports = new Map(modules.map((module) => [module.specifier, importedUrls(module)]));
  const files = await Promise.all(paths.map(async (path) => {
    const url = new URL(path, base).href;
    const inside = (imports.get(url) ?? []).filter((target) => target.startsWith(base.href));
    return {
      path,
      text: await Deno.readTextFile(`${root}/${path}`),
      imports: inside.map((target) => relative(base, target)),
      importedNames: importedNames(docModules, url, inside).map((name) => ({
        ...name,
        from: relative(base, name.from),
      })),
      symbols: (docModules[url]?.symbols ?? []).map(toSymbol),
    };
  }));
  return { files, violations };
}

/** The graph of all files, by way of a file that imports them all. */
async function readInfo(base: URL, paths: readonly string[]): Promise<readonly InfoModule[]> {
  const folder = await Deno.makeTempDir();
  try {
    const entry = `${folder}/all.ts`;
    const lines = paths.map((path) => `import ${JSON.stringify(new URL(path, base).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const args = [
      "info",
      "--json",
      "--no-lock",
      "--config",
      fileURLToPath(new URL("deno.json", base)),
      entry,
    ];
    const result = await runCommand(Deno.execPath(), args);
    if (result.code !== 0) throw new Error(`deno info failed: ${firstLine(result)}`);
    return (JSON.parse(result.stdout) as { modules: InfoModule[] }).modules;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The imports and declarations of each file, by its URL; or the error of `deno doc`. */
async function readDocs(base: URL, paths: readonly string[]): Promise<DocModules | string> {
  // Unlike `deno info`, it takes no --config, but finds the import map from its working directory.
  const cwd = fileURLToPath(base);
  const args = ["doc", "--json", "--no-lock", "--private", ...paths];
  const result = await runCommand(Deno.execPath(), args, { cwd });
  if (result.code !== 0) return firstLine(result);
  return (JSON.parse(result.stdout) as { nodes: DocModules }).nodes;
}

function importedUrls({ dependencies = [] }: InfoModule): string[] {
  const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
  return [...new Set(targets.filter((target) => target !== undefined))];
}

/** Imported and re-exported names, each with the URL of the file that it is imported from. */
function importedNames(docs: DocModules, url: string, imports: readonly string[]): ImportedName[] {
  const { imports: named = [], symbols = [] } = docs[url] ?? {};
  const imported = named.flatMap(({ importedName, originalName, src }) =>
    // Without an original name, it imports the whole module.
    originalName === undefined ? [] : [{ local: importedName, name: originalName, from: src }]
  );
  const exportedAgain = symbols.flatMap(({ name: local, declarations }) =>
    declarations.filter(({ kind }) => kind === "reference").flatMap((declaration) =>
      imports.flatMap((from) => {
        const name = nameOf(docs[from], originOf(declaration), local);
        return name === undefined ? [] : [{ local, name, from }];
      })
    )
  );
  return [...imported, ...exportedAgain];
}

/** The place of the declaration itself, which may have been re-exported several times. */
function originOf({ def, location }: DocDeclaration): string {
  const { filename, byteIndex } = def?.target ?? location;
  return `${filename}:${byteIndex}`;
}

/**
 * The name by which a module exports a declaration: `deno doc` gives the declaration of a re-export, but
 * not the name that the module in between uses. If there are several, `wish` is preferred.
 */
function nameOf(module: DocModule | undefined, origin: string, wish: string): string | undefined {
  const names = (module?.symbols ?? [])
    .filter(({ declarations }) =>
      declarations.some((declaration) => originOf(declaration) === origin)
    )
    .map(({ name }) => name);
  return names.includes(wish) ? wish : names[0];
}

function toSymbol({ name, declarations }: DocModule["symbols"][number]): DeclaredSymbol {
  const mentions = new Set<string>();
  collectMentions(declarations, mentions);
  mentions.delete(name);
  return {
    name,
    exported: declarations.some(({ declarationKind }) => declarationKind === "export"),
    mentions: [...mentions],
  };
}

/** Collects the names of types and values in what `deno doc` says of a declaration. */
function collectMentions(node: unknown, mentions: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) collectMentions(item, mentions);
  } else if (typeof node === "object" && node !== null) {
    const { kind, value, typeName, extends: base } = node as Record<string, unknown>;
    const names = [typeName, base, kind === "typeQuery" ? value : undefined];
    for (const name of names) if (typeof name === "string") mentions.add(name.split(".")[0]!);
    for (const item of Object.values(node)) collectMentions(item, mentions);
  }
}

function relative(base: URL, url: string): string {
  return url.startsWith(base.href) ? decodeURI(url.slice(base.href.length)) : url;
}

function firstLine({ stdout, stderr }: CommandResult): string {
  const lines = `${stderr}\n${stdout}`.split("\n");
  return lines.find((line) => line.startsWith("error:")) ?? lines.find((line) => line !== "") ?? "";
}

if (import.meta.main) {
  const root = Deno.cwd();
  const { files, violations } = await readSources(root, await codeFiles(root));
  const rules = [checkLayers, checkCycles, checkUnusedExports, checkScripts];
  const all = [...violations, ...rules.flatMap((check) => check(files))];
  process.stdout.write(all.map(({ file, reason }) => `${file}: ${reason}\n`).join(""));
  Deno.exit(all.length > 0 ? 1 : 0);
}
