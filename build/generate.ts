/**
 * `deno task generate` writes the files that are generated from the sources and committed with them: the
 * files of `aiotest init`, the API reference in docs/api, the schema of configuration files, the tables in docs/command-line.md, and the figures of
 * the HTTP benchmark in README.md. With `--check` it writes nothing, and exits with 1 if a file is out of date.
 *
 * @module
 */

import { dirname, join } from "node:path/posix";
import process from "node:process";
import ts from "typescript";
import { withHttpFigures } from "../bench/support/http_figures.ts";
import * as api from "../mod.ts";
import { configSchema } from "../src/cli/config_schema.ts";
import { commandFlags } from "../src/cli/flag_parser.ts";
import { defaultText, type Setting } from "../src/cli/setting_types.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS, SETTINGS } from "../src/cli/settings.ts";
import { API_GROUPS } from "./api_groups.ts";
import { apiPages } from "./api_reference.ts";

/** A generated file, and what it should contain. */
interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

/** The files that `aiotest init` writes. */
const FIRST_FILES = "src/cli/first_files.json";
const FIRST_TEST = "examples/first_steps.ts";
const PAGE = "docs/command-line.md";
const SCHEMA = "docs/config.schema.json";
const README = "README.md";
const API = "docs/api";
const HTTP_RESULT = "bench/results/http.json";

async function generateAll(root: string): Promise<GeneratedFile[]> {
  const read = (path: string): Promise<string> => Deno.readTextFile(`${root}/${path}`);
  const types = await formatted(await publicTypes("mod.ts", read), "ts", root);
  // JSON can be embedded in an executable by every Deno; its lines make changes readable in a diff.
  const firstFiles = JSON.stringify({
    "aiotestfile.ts": linesOf(await read(FIRST_TEST)),
    "aiotest.d.ts": linesOf(types),
    "deno.json": linesOf(JSON.stringify({ imports: { aiotest: "./aiotest.d.ts" } }, null, 2)),
  });
  return [
    { path: FIRST_FILES, text: await formatted(firstFiles, "json", root) },
    { path: SCHEMA, text: await formatted(JSON.stringify(configSchema()), "json", root) },
    { path: PAGE, text: await formatted(commandLinePage(await read(PAGE)), "md", root) },
    { path: README, text: await formatted(await readme(root), "md", root) },
    ...await apiReference(types, root),
  ];
}

/** The pages of docs/api. */
async function apiReference(types: string, root: string): Promise<GeneratedFile[]> {
  const files = new Set(
    API_GROUPS.flatMap(({ guides }) => guides.map((one) => one.split("#")[0]!)),
  );
  const guide = new Map<string, string>();
  for (const file of files) guide.set(file, await Deno.readTextFile(`${root}/docs/${file}`));
  const pages = apiPages({ types, values: { ...api }, groups: API_GROUPS, guide });
  return await Promise.all(
    pages.map(async ({ file, text }) => ({
      path: `${API}/${file}`,
      text: await formatted(text, "md", root),
    })),
  );
}

/** README.md with the figures of the HTTP benchmark's last complete run, if there is one. */
async function readme(root: string): Promise<string> {
  const page = await Deno.readTextFile(`${root}/${README}`);
  const result = await readOrNull(`${root}/${HTTP_RESULT}`);
  return result === null ? page : withHttpFigures(page, JSON.parse(result));
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

/** A text as `deno fmt` formats it. */
async function formatted(text: string, extension: string, cwd: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext", extension, "-"],
    cwd,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([text]).stream().pipeTo(child.stdin);
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`deno fmt cannot parse what was generated as ${extension}`);
  return new TextDecoder().decode(stdout);
}

/** Writes the files that differ, or only names them. Returns whether all are up to date now. */
async function update(
  files: readonly GeneratedFile[],
  root: string,
  write: boolean,
): Promise<boolean> {
  let upToDate = true;
  for (const { path, text } of files) {
    if (await readOrNull(`${root}/${path}`) === text) continue;
    if (write) await Deno.writeTextFile(`${root}/${path}`, text);
    else upToDate = false;
    process.stdout.write(
      write ? `wrote ${path}\n` : `${path} is out of date: deno task generate\n`,
    );
  }
  return upToDate;
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return null;
  }
}

// docs/command-line.md

type AnySetting = Setting<unknown>;

/** The text between two such comments is replaced by a table. */
const SLOT = /(<!-- options of (\w+) -->\n)[^]*?(<!-- end of options -->)/g;

const TABLES: Readonly<Record<string, () => string>> = {
  aiotest: () => tablesOf(SETTINGS),
  quick: () => tablesOf(QUICK_SETTINGS),
  demo: () => tablesOf(DEMO_SETTINGS),
  init: () => flagTable("init"),
  control: () => flagTable("control"),
  history: () => flagTable("history"),
  compare: () => flagTable("compare"),
  report: () => flagTable("report"),
};

/** If there are two long spellings, the second is the name of the flag. */
const OTHER_SPELLING = /^--[\w-]+, (?=--)/;

/**
 * Fills the tables of options into docs/command-line.md.
 *
 * @param page the page as it is; only the text in its slots changes.
 * @throws {Error} if it has no slot for one of the commands.
 */
export function commandLinePage(page: string): string {
  const filled = new Set<string>();
  const text = page.replaceAll(SLOT, (_all, start: string, command: string, end: string) => {
    filled.add(command);
    return `${start}\n${TABLES[command]!()}\n${end}`;
  });
  for (const command of Object.keys(TABLES)) {
    if (!filled.has(command)) throw new Error(`the page has no slot for the options of ${command}`);
  }
  return text;
}

function tablesOf(settings: Readonly<Record<string, AnySetting>>): string {
  const shown = Object.values(settings).filter(({ hidden }) => hidden !== true);
  const groups = Map.groupBy(shown, ({ group }) => group);
  return [...groups].map(([group, members]) =>
    [
      `**${group.replace(/:$/, "")}**\n`,
      "| option | default | meaning |",
      "| --- | --- | --- |",
      ...members.map(rowOf),
      "",
    ].join("\n")
  ).join("\n");
}

/** The flags of a command that has no settings, or few. */
function flagTable(command: Parameters<typeof commandFlags>[0]): string {
  const flags = commandFlags(command)
    .filter(({ hidden, helpGroupHeading }) => !hidden && helpGroupHeading !== "Other:");
  return [
    "| option | meaning |",
    "| --- | --- |",
    ...flags.map(({ flags, description }) => `| ${code(flags)} | ${cell(description)} |`),
    "",
  ].join("\n");
}

function rowOf(setting: AnySetting): string {
  const { flags, help } = setting;
  return `| ${code(flags.replace(OTHER_SPELLING, ""))} | ${cell(defaultText(setting))} | ${
    cell(help)
  } |`;
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("<", "&lt;");
}

// The types of the public API

/** Reads a source file, by its path from the project's root. */
export type ReadSource = (path: string) => Promise<string>;

/** A declaration, and the file that contains it. */
interface Origin {
  readonly path: string;
  readonly name: string;
}

interface Module {
  readonly source: ts.SourceFile;
  /** By their names in this file. */
  readonly declarations: ReadonlyMap<string, ts.Node>;
  /** The declarations that other names refer to: imported, re-exported, or exported under a second name. */
  readonly links: ReadonlyMap<string, Origin>;
  /** The exported names, in their order. */
  readonly exports: readonly string[];
}

const HEADER = `// deno-lint-ignore-file
// What a test file imports from "aiotest", for editors and for type checks. aiotest itself does
// not read this file.
`;

/** Only aiotest creates objects of a class with a private constructor. */
const PRIVATE_CONSTRUCTOR = "private constructor();";

/**
 * The declarations of everything that a module exports, and of what they mention, as one file for editors
 * and type checkers. A constructor with parameters of types that the module does not export becomes
 * private. Members marked `@internal` are left out.
 *
 * @param entry the module's path from the root.
 * @throws {Error} if a declaration needs a package, or if two have the same name.
 */
export async function publicTypes(entry: string, read: ReadSource): Promise<string> {
  const modules = await readModules(entry, read);
  const roots = modules.get(entry)!.exports.map((name) => ({
    name,
    origin: follow(modules, { path: entry, name }),
  }));
  const isPublic = new Set(roots.map(({ origin }) => keyOf(origin)));
  const texts = new Map<string, string>();
  const waiting = roots.map(({ origin }) => origin);
  for (const origin of waiting) {
    if (texts.has(origin.name)) continue;
    const { text, mentions } = declare(modules, origin, isPublic);
    texts.set(origin.name, text);
    waiting.push(...mentions);
  }
  checkNames(waiting);
  const aliases = roots.filter(({ name, origin }) => name !== origin.name)
    .map(({ name, origin }) => `export { ${origin.name} as ${name} };`);
  // Without an export list, a file of declarations exports all that it declares.
  return [HEADER, ...texts.values(), ...aliases, "export {};", ""].join("\n");
}

async function readModules(entry: string, read: ReadSource): Promise<Map<string, Module>> {
  const modules = new Map<string, Module>();
  const waiting = [entry];
  for (const path of waiting) {
    if (modules.has(path)) continue;
    const module = toModule(path, await read(path));
    modules.set(path, module);
    for (const link of module.links.values()) {
      if (link.path.endsWith(".ts")) waiting.push(link.path);
    }
  }
  return modules;
}

/** Reduces a module to its declarations. The compiler drops bodies, and imports that only they need. */
function toModule(path: string, text: string): Module {
  const { outputText } = ts.transpileDeclaration(text, {
    fileName: path,
    compilerOptions: { target: ts.ScriptTarget.ESNext, stripInternal: true },
  });
  const source = ts.createSourceFile(path, outputText, ts.ScriptTarget.ESNext, true);
  const declarations = new Map<string, ts.Node>();
  const links = new Map<string, Origin>();
  const exports: string[] = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      addLinks(links, bindings.elements, resolve(path, statement.moduleSpecifier));
    } else if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement;
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) continue;
      addLinks(links, exportClause.elements, resolve(path, moduleSpecifier));
      exports.push(...exportClause.elements.map(({ name }) => name.text));
    } else {
      for (const name of namesOf(statement)) declarations.set(name, statement);
    }
  }
  return { source, declarations, links, exports };
}

function addLinks(
  links: Map<string, Origin>,
  elements: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[],
  path: string,
): void {
  for (const { name, propertyName } of elements) {
    links.set(name.text, { path, name: (propertyName ?? name).text });
  }
}

/** The target of an import: a path from the root, or the name of a package. */
function resolve(from: string, specifier: ts.Expression | undefined): string {
  if (specifier === undefined) return from;
  const { text } = specifier as ts.StringLiteral;
  return text.startsWith(".") ? join(dirname(from), text) : text;
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}

/** The declaration that a name in a file refers to. */
function follow(modules: ReadonlyMap<string, Module>, { path, name }: Origin): Origin {
  const module = modules.get(path);
  if (module === undefined) throw new Error(`the public types mention ${name} of ${path}`);
  if (module.declarations.has(name)) return { path, name };
  const link = module.links.get(name);
  if (link === undefined) throw new Error(`${path} has no ${name}`);
  return follow(modules, link);
}

/** The text of a declaration, and the other declarations that it mentions. */
function declare(
  modules: ReadonlyMap<string, Module>,
  origin: Origin,
  isPublic: ReadonlySet<string>,
): { readonly text: string; readonly mentions: readonly Origin[] } {
  const { source, declarations, links } = modules.get(origin.path)!;
  const node = declarations.get(origin.name)!;
  const mentionsOf = (part: ts.Node): Origin[] =>
    identifiersOf(part)
      .filter((name) => declarations.has(name) || links.has(name))
      .map((name) => follow(modules, { path: origin.path, name }));
  const mentions: Origin[] = [];
  let text = "";
  // Only the comment right before a declaration belongs to it.
  let end = ts.getLeadingCommentRanges(source.text, node.getFullStart())?.at(-1)?.pos ??
    node.getStart();
  const replace = (part: ts.Node, by: string): void => {
    text += source.text.slice(end, part.getFullStart()) + by;
    end = part.end;
  };
  for (const part of ts.isClassDeclaration(node) ? node.members : []) {
    if (
      ts.isConstructorDeclaration(part) &&
      !mentionsOf(part).every((one) => isPublic.has(keyOf(one)))
    ) {
      replace(part, `\n${PRIVATE_CONSTRUCTOR}`);
    } else if (isDuplicate(part)) {
      replace(part, "");
    } else {
      mentions.push(...mentionsOf(part));
    }
  }
  text += source.text.slice(end, node.end);
  if (ts.isClassDeclaration(node)) {
    node.heritageClauses?.forEach((one) => mentions.push(...mentionsOf(one)));
  } else mentions.push(...mentionsOf(node));
  const exported = isPublic.has(keyOf(origin));
  return { text: exported ? text : text.replace(/^export /m, ""), mentions };
}

/** Without its library, the compiler emits `[Symbol.dispose]()` a second time, as a property. */
function isDuplicate(member: ts.ClassElement): boolean {
  return ts.isPropertyDeclaration(member) && ts.isComputedPropertyName(member.name);
}

function identifiersOf(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return [node.text];
  const names: string[] = [];
  node.forEachChild((child) => void names.push(...identifiersOf(child)));
  return names;
}

function keyOf({ path, name }: Origin): string {
  return `${path} ${name}`;
}

function checkNames(origins: readonly Origin[]): void {
  const paths = new Map<string, string>();
  for (const { path, name } of origins) {
    const other = paths.get(name) ?? path;
    if (other !== path) throw new Error(`${name} is declared in ${other} and in ${path}`);
    paths.set(name, path);
  }
}

if (import.meta.main) {
  const unknown = Deno.args.filter((arg) => arg !== "--check");
  if (unknown.length > 0) {
    process.stderr.write(
      `generate: unknown argument ${unknown[0]}; it takes --check, or nothing\n`,
    );
    Deno.exit(2);
  }
  const root = Deno.cwd();
  const upToDate = await update(await generateAll(root), root, !Deno.args.includes("--check"));
  Deno.exit(upToDate ? 0 : 1);
}
