/**
 * What `mod.ts` exports as one file of declarations, for editors and type checkers where there is no
 * source of aiotest: `aiotest init` writes it beside a first test file.
 *
 * @module
 */

import { dirname, join } from "node:path/posix";
import ts from "typescript";

/** Reads a source file, by its path from the project's root. */
export type ReadSource = (path: string) => Promise<string>;

/** A declaration, and where it stands. */
interface Origin {
  readonly path: string;
  readonly name: string;
}

interface Module {
  readonly source: ts.SourceFile;
  /** By the name that they have in this file. */
  readonly declarations: ReadonlyMap<string, ts.Node>;
  /** What other names here stand for: imported, exported again, or exported under a second name. */
  readonly links: ReadonlyMap<string, Origin>;
  /** Names exported to whoever imports this file, in their order. */
  readonly exports: readonly string[];
}

const HEADER = `// deno-lint-ignore-file
// What a test file imports from "aiotest", for editors and for type checks. aiotest itself does
// not read this file.
`;

/** Private constructors say that only aiotest makes such objects. */
const NOT_FOR_YOU = "private constructor();";

/**
 * The declarations of everything that a module exports, and of what they mention. A constructor that
 * takes what the module does not export is made private, and what is marked `@internal` is left out.
 *
 * @param entry the module's path from the root.
 * @throws Error where a declaration needs a package, or two need the same name.
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

/** A module as its declarations alone: the compiler drops bodies, and imports that only they need. */
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

/** Where an import leads: a path from the root, or a package's name. */
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

/** Where a name that a file sees was declared. */
function follow(modules: ReadonlyMap<string, Module>, { path, name }: Origin): Origin {
  const module = modules.get(path);
  if (module === undefined) throw new Error(`the public types mention ${name} of ${path}`);
  if (module.declarations.has(name)) return { path, name };
  const link = module.links.get(name);
  if (link === undefined) throw new Error(`${path} has no ${name}`);
  return follow(modules, link);
}

/** A declaration's text, and the other declarations that it mentions. */
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
  // The comment right before it is its own; others in front are the file's.
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
      replace(part, `\n${NOT_FOR_YOU}`);
    } else if (isDoubled(part)) {
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

/** The compiler, which here has no library, takes `[Symbol.dispose]()` for a property as well. */
function isDoubled(member: ts.ClassElement): boolean {
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
