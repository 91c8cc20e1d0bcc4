/**
 * Reads the project's files by Deno's own parser: `deno info` says which file imports which, in
 * whatever manner, and `deno doc` which names are imported, declared and exported.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { type CommandResult, runCommand } from "./command.ts";
import type { DeclaredSymbol, ImportedName, SourceFile, Violation } from "./source_file.ts";

/** The files, and what kept the reader from understanding them. */
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

/** Reads files, given by their paths from `root`. */
export async function readSources(root: string, paths: readonly string[]): Promise<ReadResult> {
  const base = pathToFileURL(`${root}/`);
  const [modules, docs] = await Promise.all([readInfo(base, paths), readDocs(base, paths)]);
  const violations: Violation[] = modules.flatMap(({ specifier, error }) =>
    error === undefined ? [] : [{ file: relative(base, specifier), reason: error }]
  );
  if (typeof docs === "string") violations.push({ file: "deno doc", reason: docs });
  const docModules = typeof docs === "string" ? {} : docs;
  const imports = new Map(modules.map((module) => [module.specifier, importsOf(module)]));
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

/** One graph of all files, by way of a file that imports them all. */
async function readInfo(base: URL, paths: readonly string[]): Promise<readonly InfoModule[]> {
  const folder = await Deno.makeTempDir();
  try {
    const entry = `${folder}/all.ts`;
    const lines = paths.map((path) => `import ${JSON.stringify(new URL(path, base).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const args = ["info", "--json", "--config", fileURLToPath(new URL("deno.json", base)), entry];
    const result = await runCommand(Deno.execPath(), args);
    if (result.code !== 0) throw new Error(`deno info failed: ${firstLine(result)}`);
    return (JSON.parse(result.stdout) as { modules: InfoModule[] }).modules;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is imported and declared in each file, by its URL; or why Deno could not say. */
async function readDocs(base: URL, paths: readonly string[]): Promise<DocModules | string> {
  // Unlike `deno info`, it takes no --config: it finds the import map from where it runs.
  const cwd = fileURLToPath(base);
  const args = ["doc", "--json", "--private", ...paths];
  const result = await runCommand(Deno.execPath(), args, { cwd });
  if (result.code !== 0) return firstLine(result);
  return (JSON.parse(result.stdout) as { nodes: DocModules }).nodes;
}

function importsOf({ dependencies = [] }: InfoModule): string[] {
  const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
  return [...new Set(targets.filter((target) => target !== undefined))];
}

/** Names with the URLs that they come from. */
function importedNames(docs: DocModules, url: string, imports: readonly string[]): ImportedName[] {
  const { imports: named = [], symbols = [] } = docs[url] ?? {};
  const imported = named.flatMap(({ importedName, originalName, src }) =>
    // Without an original name it is the whole module, which is an import that gives no names.
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

/** Where the thing itself is declared, however often it was exported again on the way. */
function originOf({ def, location }: DocDeclaration): string {
  const { filename, byteIndex } = def?.target ?? location;
  return `${filename}:${byteIndex}`;
}

/**
 * What a module calls something: `deno doc` says where a re-export's origin is, and not by which name the
 * module in between exports it. Of several names for one thing, the one wished for where it is there.
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

/** Names of types and values anywhere in what `deno doc` says of a declaration. */
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
