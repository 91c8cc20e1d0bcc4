/**
 * The API reference in docs/api: Markdown pages, made from the declarations that `aiotest init` writes, so
 * they show what an editor shows.
 *
 * @module
 */

import ts from "typescript";
import type { ApiGroup } from "./api_groups.ts";

/** What the pages are made from. */
export interface ApiSources {
  /** The declarations of everything that mod.ts exports, as formatted TypeScript. */
  readonly types: string;
  /** The values that mod.ts exports, for the defaults of static properties. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly groups: readonly ApiGroup[];
  /** The pages of the guide, by their file in docs. */
  readonly guide: ReadonlyMap<string, string>;
}

/** A page: its file in docs/api, and its text, which is not formatted yet. */
export interface ApiPage {
  readonly file: string;
  readonly text: string;
}

/**
 * The pages of the reference: the index, and one for each group.
 *
 * @throws {Error} that says what to change if an export is in no group or in two, if a type is mentioned but not
 *   exported, if a link leads nowhere, or if an example imports a file of the project.
 */
export function apiPages(sources: ApiSources): ApiPage[] {
  const reference = new Reference(sources);
  return [reference.index(), ...sources.groups.map((group) => reference.page(group))];
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

type Named = ts.InterfaceDeclaration | ts.ClassDeclaration | ts.TypeAliasDeclaration;

/** An export of mod.ts. */
interface Entry {
  readonly name: string;
  readonly kind: "Class" | "Interface" | "Type" | "Function" | "Object";
  /** Several for a function with overloads. */
  readonly nodes: readonly ts.Node[];
  /** The export that this is another name of; `null` if it is none. */
  readonly aliasOf: string | null;
  /** The page that describes it, without `.md`. */
  readonly file: string;
}

type Member = ts.ClassElement | ts.TypeElement;

/** Members of one name: overloads, or a getter and its setter. */
interface MemberGroup {
  readonly name: string;
  readonly members: readonly Member[];
  readonly isStatic: boolean;
  /** Whether it has a section of its own; otherwise it is in the list of properties. */
  readonly isSection: boolean;
}

class Reference {
  readonly #sources: ApiSources;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(sources: ApiSources) {
    this.#sources = sources;
    this.#entries = entriesOf(sources);
  }

  index(): ApiPage {
    const groups = this.#sources.groups.map(({ file, title, about, names }) => {
      const items = names.map((name) => {
        const entry = this.#entries.get(name)!;
        const summary = firstSentence(this.#docOf(entry).text);
        const link = `[\`${name}\`](${this.#link(name, "README")})`;
        return `- ${link}: ${this.#prose(summary, entry, "README")}`;
      });
      return `## [${title}](${file}.md)\n\n${about}\n\n${items.join("\n")}\n`;
    });
    return { file: "README.md", text: `${INDEX}\n${groups.join("\n")}` };
  }

  page({ file, title, about, guides, names }: ApiGroup): ApiPage {
    const links = guides.map((guide) => `[${this.#titleOf(guide)}](../${guide})`);
    const entries = names.map((name) => this.#section(this.#entries.get(name)!));
    const head = `${NOTICE}\n# ${title}\n\n${about}\n\n` +
      `[All pages of the reference](README.md). The guide: ${links.join(", ")}.\n`;
    return { file: `${file}.md`, text: [head, ...entries].join("\n") };
  }

  /** The heading that a link into the guide leads to. */
  #titleOf(guide: string): string {
    const [file = "", anchor] = guide.split("#");
    const headings = [...(this.#sources.guide.get(file) ?? "").matchAll(/^#+ (.+)$/gm)];
    const heading = headings.find(([, text], at) =>
      anchor === undefined ? at === 0 : anchorOf(text!) === anchor
    );
    if (heading === undefined) throw new Error(`build/api_groups.ts: docs/${guide} is not there`);
    return heading[1]!;
  }

  #docOf({ nodes, aliasOf }: Entry): Doc {
    if (aliasOf !== null) return { text: `Another name of {@link ${aliasOf}}.`, tags: [] };
    return docOf(nodes[0]!);
  }

  #section(entry: Entry): string {
    const { name, kind, nodes, aliasOf } = entry;
    const heading = `## ${headingOf(entry)}\n`;
    if (aliasOf !== null) return `${heading}\n${this.#text(this.#docOf(entry).text, entry)}\n`;
    switch (kind) {
      case "Function":
        return [
          heading,
          ...nodes.map((node) => this.#callable(node as ts.FunctionDeclaration, entry)),
        ].join("\n");
      case "Object": {
        const { declarationList: { declarations: [variable] } } = nodes[0] as ts.VariableStatement;
        const type = variable!.type!.getText();
        const note = this.#entries.has(type) ? `\nIts members are those of {@link ${type}}.` : "";
        const code = fence(`const ${name}: ${type};`);
        return `${heading}\n${code}\n${this.#doc(nodes[0]!, entry, note)}`;
      }
      case "Type": {
        const code = nodes[0]!.getText().replace(/^export (declare )?/, "");
        return [
          heading,
          fence(withoutLinks(code)),
          this.#doc(nodes[0]!, entry),
          this.#typesIn(nodes[0] as Named, entry),
        ].join("\n");
      }
      case "Class":
      case "Interface":
        return `${heading}\n${this.#type(nodes[0] as ts.ClassDeclaration, entry)}`;
    }
  }

  /** A class or an interface. */
  #type(node: ts.ClassDeclaration | ts.InterfaceDeclaration, entry: Entry): string {
    const groups = memberGroups(node);
    const lists = [
      ["Static properties", groups.filter((one) => !one.isSection && one.isStatic)],
      ["Properties", groups.filter((one) => !one.isSection && !one.isStatic)],
    ] as const;
    const parts = [fence(headOf(node)), this.#doc(node, entry), this.#basesOf(node, entry)];
    if (ts.isClassDeclaration(node) && node.members.some(isPrivateConstructor)) {
      parts.push("Only aiotest creates objects of this class.\n");
    }
    for (const [title, members] of lists) {
      if (members.length === 0) continue;
      const items = members.map((group) => this.#property(group, entry));
      parts.push(`**${title}**\n\n${items.join("\n")}\n`);
    }
    for (const group of groups.filter(({ isSection }) => isSection)) {
      parts.push(this.#memberSection(group, entry));
    }
    return parts.filter((part) => part !== "").join("\n");
  }

  /** What it inherits, with links. */
  #basesOf(node: ts.ClassDeclaration | ts.InterfaceDeclaration, entry: Entry): string {
    return this.#ancestors(node).map((ancestor) => {
      const members = memberGroups(ancestor.nodes[0] as ts.ClassDeclaration)
        .filter(({ name }) => !memberGroups(node).some((own) => own.name === name))
        .map(({ name }) => `[\`${name}\`](${this.#link(`${ancestor.name}.${name}`, entry.file)})`);
      const from = `[\`${ancestor.name}\`](${this.#link(ancestor.name, entry.file)})`;
      return `Inherits from ${from}: ${members.join(", ")}.\n`;
    }).join("\n");
  }

  /** The exported classes and interfaces that a type extends, nearest first. */
  #ancestors(node: ts.ClassDeclaration | ts.InterfaceDeclaration): Entry[] {
    const bases = node.heritageClauses?.flatMap(({ types }) => types.map((one) => one.getText()));
    return (bases ?? []).flatMap((text) => {
      const base = this.#entries.get(/^Omit<(\w+)/.exec(text)?.[1] ?? text);
      if (base === undefined) return [];
      return [base, ...this.#ancestors(base.nodes[0] as ts.ClassDeclaration)];
    });
  }

  /** An item of a list of properties. */
  #property({ members, isStatic }: MemberGroup, entry: Entry): string {
    const member = members[0]!;
    const { text, tags } = docOf(member);
    const isReadWrite = members.some(ts.isSetAccessor);
    const notes = [
      isReadWrite ? "It can be set." : "",
      isStatic && !text.includes("Default:") ? this.#defaultOf(entry, member) : "",
    ];
    const facts = tags.map((tag) => this.#tag(tag, entry));
    const words = [text, ...notes].filter((part) => part !== "").join(" ");
    const about = [this.#prose(words, entry, entry.file), ...facts].join("\n\n");
    const nested = nestedMembers(member);
    const type = nested === null ? this.#code(member, entry) : `\`${nameOf(member)}\``;
    const children = (nested ?? []).map((child) => {
      const group = { name: "", members: [child], isStatic: false, isSection: false };
      return this.#property(group, entry);
    });
    const colon = about === "" ? "" : ": ";
    return `- ${type}${colon}${indented([about, ...children].join("\n"))}`;
  }

  /** The default of a static property, which the declarations do not have. */
  #defaultOf({ name }: Entry, member: Member): string {
    const value = (this.#sources.values[name] as Record<string, unknown>)[nameOf(member)];
    if (value === null || typeof value === "function") return "";
    const text = value === Infinity ? "Infinity" : JSON.stringify(value);
    if (text === undefined) throw new Error(`${name}.${nameOf(member)} has no default`);
    const mebibytes = Number(value) / 2 ** 20;
    const unit = Number.isInteger(mebibytes) && mebibytes > 0 ? ` (${mebibytes} MiB)` : "";
    return `Default: \`${text}\`${unit}.`;
  }

  #memberSection({ name, members, isStatic }: MemberGroup, entry: Entry): string {
    const heading = `### ${entry.name}.${name}\n`;
    const [first] = members;
    if (first !== undefined && !isCallable(first)) {
      const about = this.#doc(first, entry, isStatic ? ` ${this.#defaultOf(entry, first)}` : "");
      return `${heading}\n${fence(codeOf(first))}\n${about}`;
    }
    const texts = members.map((member) => this.#callable(member as ts.MethodDeclaration, entry));
    return `${heading}\n${texts.join("\n")}`;
  }

  /** A function or a method: its signature, what it does, parameters, result and errors. */
  #callable(node: ts.FunctionDeclaration | ts.MethodDeclaration, entry: Entry): string {
    const { text, tags } = docOf(node);
    const parameters = node.parameters.flatMap((parameter) => {
      const name = parameterName(parameter);
      const about = tags.find((tag) => tag.name === "param" && tag.text.startsWith(`${name} `));
      const words = about?.text.slice(name.length + 1) ?? "";
      const type = parameter.type === undefined ? "" : this.#linkedTypes(parameter.type, entry);
      const text = described(words, type);
      return text === "" ? [] : [`- \`${name}\`: ${this.#prose(text, entry, entry.file)}`];
    });
    const result = tags.find(({ name }) => name === "returns")?.text ?? "";
    const resultType = node.type === undefined ? "" : this.#linkedTypes(node.type, entry);
    const promise = node.type?.getText().startsWith("Promise<") ? "a promise of " : "";
    const returns = result === "" && resultType !== ""
      ? `${promise}${resultType}.`
      : described(result, resultType);
    const known = new Set(["param", "returns"]);
    const [, what = text, example = ""] = /^([^]*?[^:]\n)\n(```[^]*)$/.exec(text) ?? [];
    return [
      fence(codeOf(node)),
      this.#text(what, entry),
      parameters.length === 0 ? "" : `\nParameters:\n\n${parameters.join("\n")}\n`,
      returns === "" ? "" : `\nReturns ${this.#prose(returns, entry, entry.file)}\n`,
      ...tags.filter(({ name }) => !known.has(name))
        .map((tag) => `\n${this.#tag(tag, entry)}\n`),
      example === "" ? "" : `\n${this.#text(example, entry)}`,
    ].filter((part) => part !== "").join("\n");
  }

  /** Links to the exported types that a type mentions; empty if there are none. */
  #linkedTypes(type: ts.TypeNode, entry: Entry): string {
    const links = this.#publicTypes(type, entry);
    return links.join(", ");
  }

  /** Links to the exported types that a type mentions. */
  #publicTypes(type: ts.Node, entry: Entry): string[] {
    return [...new Set(mentionsOf(type))]
      .filter((name) => this.#entries.has(name) && name !== entry.name)
      .map((name) => `{@link ${name}}`);
  }

  #typesIn(node: Named, entry: Entry): string {
    const links = this.#publicTypes(node, entry);
    if (links.length === 0) return "";
    return `\nSee ${this.#prose(links.join(", "), entry, entry.file)}.\n`;
  }

  /** The doc comment of a node, with its tags. */
  #doc(node: ts.Node, entry: Entry, note = ""): string {
    const { text, tags } = docOf(node);
    return [
      `${this.#text(text + note, entry)}`,
      ...tags.map((tag) => `\n${this.#tag(tag, entry)}\n`),
    ].join("\n");
  }

  #tag({ name, text }: Tag, entry: Entry): string {
    const prose = this.#prose(withErrorNames(text), entry, entry.file);
    switch (name) {
      case "throws":
        return `Throws ${prose}`;
      case "deprecated":
        return `**Deprecated.** ${prose}`;
      case "param":
        return `\`${prose.replace(" ", "`: ")}`;
      default:
        throw new Error(`${entry.name}: the API reference does not know the tag @${name}`);
    }
  }

  /** Text with code blocks. */
  #text(text: string, entry: Entry): string {
    return text.split(/^(```[^]*?^```)$/m).map((part, at) => {
      if (at % 2 === 0) return this.#prose(part, entry, entry.file);
      const local = /from "\.[^"]*"/.exec(part)?.[0];
      if (local !== undefined) {
        throw new Error(`${entry.name}: an example imports ${local}: write from "aiotest"`);
      }
      return part;
    }).join("") + "\n";
  }

  /** Text without code blocks, with its links. The names of classes and of long types are links as well. */
  #prose(text: string, entry: Entry, from: string): string {
    return text.replaceAll(NAMES, (all, target?: string, code?: string, word?: string) => {
      const name = target ?? code ?? word!;
      const isLink = target !== undefined || (name !== entry.name && this.#entries.has(name));
      if (!isLink) return all;
      return `[\`${name}\`](${this.#link(this.#resolve(name, entry), from)})`;
    });
  }

  /** The full name of what a link names: `Session`, or `Session.get`. */
  #resolve(target: string, entry: Entry): string {
    const [owner = "", member] = target.split(".");
    const found = this.#entries.get(owner);
    if (member === undefined ? found !== undefined : this.#hasMember(found, member)) return target;
    if (this.#hasMember(entry, target)) return `${entry.name}.${target}`;
    throw new Error(`${entry.name}: {@link ${target}} leads nowhere`);
  }

  #hasMember(entry: Entry | undefined, name: string): boolean {
    const node = entry?.nodes[0];
    if (node === undefined || !isMemberType(node)) return false;
    return [node, ...this.#ancestors(node).map(({ nodes }) => nodes[0] as ts.ClassDeclaration)]
      .some((one) => memberGroups(one).some((group) => group.name === name));
  }

  /** The address of an entry or of one of its members, from a page. */
  #link(name: string, from: string): string {
    const [owner = "", ...rest] = name.split(".");
    const entry = this.#entries.get(owner)!;
    const page = entry.file === from ? "" : `${entry.file}.md`;
    const member = rest.join(".");
    const node = entry.nodes[0];
    if (member === "" || node === undefined || !isMemberType(node)) {
      return `${page}#${anchorOf(headingOf(entry))}`;
    }
    const group = memberGroups(node).find((one) => one.name === member);
    if (group === undefined) {
      const base = this.#ancestors(node).find((one) => this.#hasMember(one, member))!;
      return this.#link(`${base.name}.${member}`, from);
    }
    return `${page}#${anchorOf(group.isSection ? name : headingOf(entry))}`;
  }

  /** A property with its type, whose exported types are links. */
  #code(member: Member, entry: Entry): string {
    const code = oneLine(codeOf(member));
    const parts = code.split(/("[^"]*"|\b[A-Z]\w*\b)/).map((part) => {
      const target = this.#entries.get(part);
      if (target === undefined || target.kind === "Object" || target.kind === "Function") {
        return { text: part, link: null };
      }
      return { text: part, link: this.#link(part, entry.file) };
    });
    if (parts.every(({ link }) => link === null)) return `\`${code}\``;
    const html = parts.map(({ text, link }) =>
      link === null ? escapedHtml(text) : `[${text}](${link})`
    );
    return `<code>${html.join("")}</code>`;
  }
}

/** How each page begins. */
const NOTICE = "<!-- Made by `deno task generate` from the comments in src: do not edit. -->\n";

const INDEX = `${NOTICE}
# API reference

Everything that a test file can import from \`aiotest\`:

\`\`\`ts
import { between, FastHttpUser } from "aiotest";
\`\`\`

Your editor shows the same texts, if \`aiotest.d.ts\` is beside your test file: \`aiotest init\` writes it.
A test file also exports \`thresholds\`, \`setup\` and \`teardown\`, which are described in
[Test files](../test-file.md) and [Thresholds](../thresholds.md).

- **Times** are in seconds, and those whose name ends in \`Ms\` in milliseconds. Sizes are in bytes.
- **Properties** are read-only, unless their text says that they can be set. Static properties of a user class are its
  settings: set them with \`static override\`.
- **Errors:** a function that returns a promise rejects where the text says "throws". A \`UsageError\` ends aiotest
  with its message and the exit code 2; it is not exported, because tests need not catch it.
`;

// Declarations

function entriesOf({ types, groups }: ApiSources): Map<string, Entry> {
  const source = ts.createSourceFile("aiotest.d.ts", types, ts.ScriptTarget.ESNext, true);
  const declared = new Map<string, { kind: Entry["kind"]; nodes: ts.Node[] }>();
  const aliases = new Map<string, string>();
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const { elements } = statement.exportClause as ts.NamedExports;
      for (const { name, propertyName } of elements) {
        if (propertyName !== undefined) aliases.set(name.text, propertyName.getText());
      }
      continue;
    }
    const [name, kind] = nameAndKind(statement);
    const text = statement.getText();
    if (!text.startsWith("export ")) {
      throw new Error(`the API mentions ${name}, which mod.ts does not export: export it`);
    }
    const known = declared.get(name);
    if (known === undefined) declared.set(name, { kind, nodes: [statement] });
    else known.nodes.push(statement);
  }
  const files = filesOf(groups, [...declared.keys(), ...aliases.keys()]);
  const entries = [...declared].map(([name, { kind, nodes }]): Entry => {
    return { name, kind, nodes, aliasOf: null, file: files.get(name)! };
  });
  const others = [...aliases].map(([name, aliasOf]): Entry => {
    const { kind, nodes } = declared.get(aliasOf)!;
    return { name, kind, nodes, aliasOf, file: files.get(name)! };
  });
  return new Map([...entries, ...others].map((entry) => [entry.name, entry]));
}

function nameAndKind(statement: ts.Statement): [string, Entry["kind"]] {
  if (ts.isVariableStatement(statement)) {
    return [statement.declarationList.declarations[0]!.name.getText(), "Object"];
  }
  const name = (statement as Named).name!.text;
  if (ts.isClassDeclaration(statement)) return [name, "Class"];
  if (ts.isInterfaceDeclaration(statement)) return [name, "Interface"];
  return [name, ts.isFunctionDeclaration(statement) ? "Function" : "Type"];
}

/** The page of each export. */
function filesOf(groups: readonly ApiGroup[], exports: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, title, names } of groups) {
    for (const name of names) {
      if (files.has(name)) throw new Error(`build/api_groups.ts: ${name} is in two groups`);
      if (!exports.includes(name)) {
        throw new Error(`build/api_groups.ts: ${title} has ${name}, which mod.ts does not export`);
      }
      files.set(name, file);
    }
  }
  const missing = exports.filter((name) => !files.has(name));
  if (missing.length > 0) {
    throw new Error(`build/api_groups.ts: ${missing.join(", ")}: add it to a group`);
  }
  return files;
}

function headingOf({ kind, name }: Entry): string {
  return `${kind} ${name}`;
}

function isMemberType(
  node: ts.Node,
): node is ts.ClassDeclaration | ts.InterfaceDeclaration {
  return ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);
}

function memberGroups(node: ts.ClassDeclaration | ts.InterfaceDeclaration): MemberGroup[] {
  const members: readonly Member[] = [...node.members].filter((member) => !isHidden(member));
  // A class can have a static property and another one of the same name.
  return [true, false].flatMap((isStatic) => {
    const some = members.filter((member) => hasStatic(member) === isStatic);
    return [...Map.groupBy(some, nameOf)].map(([name, group]): MemberGroup => ({
      name,
      members: group,
      isStatic,
      isSection: isCallable(group[0]!) || docOf(group[0]!).text.includes("```"),
    }));
  });
}

function hasStatic(member: Member): boolean {
  return ts.canHaveModifiers(member) &&
    (ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false);
}

function isHidden(member: Member): boolean {
  return isPrivateConstructor(member) ||
    (member.name !== undefined && ts.isPrivateIdentifier(member.name));
}

function isPrivateConstructor(member: Member): boolean {
  return ts.isConstructorDeclaration(member) && member.getText().startsWith("private ");
}

function isCallable(member: Member): boolean {
  return ts.isMethodDeclaration(member) || ts.isMethodSignature(member) ||
    ts.isConstructorDeclaration(member) || ts.isConstructSignatureDeclaration(member);
}

function nameOf(member: Member): string {
  if (ts.isConstructorDeclaration(member)) return "constructor";
  return member.name?.getText() ?? "new";
}

/** The members of a property whose type is an object with members that have comments. */
function nestedMembers(member: Member): readonly ts.TypeElement[] | null {
  if (!ts.isPropertySignature(member) || member.type === undefined) return null;
  return ts.isTypeLiteralNode(member.type) ? [...member.type.members] : null;
}

/** The first line of a class or an interface. */
function headOf(node: ts.ClassDeclaration | ts.InterfaceDeclaration): string {
  const text = node.getText();
  return text.slice(0, text.indexOf("{")).replace(/^export (declare )?/, "").trim();
}

/** The code of a function or a member, without its comment. */
function codeOf(node: ts.Node): string {
  if (ts.isGetAccessor(node)) return `${node.name.getText()}: ${node.type!.getText()}`;
  let text = node.getText();
  for (const parameter of (node as ts.FunctionDeclaration).parameters ?? []) {
    if (ts.isObjectBindingPattern(parameter.name)) {
      text = text.replace(parameter.name.getText(), parameterName(parameter));
    }
  }
  // The lines of a member are indented as it is.
  const column = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).character;
  const code = text.replaceAll(`\n${" ".repeat(column)}`, "\n").replace(/^export (declare )?/, "");
  return ts.isFunctionDeclaration(node) ? code : code.replace(/^readonly |;$/g, "");
}

function parameterName({ name }: ts.ParameterDeclaration): string {
  return ts.isObjectBindingPattern(name) ? "options" : name.getText();
}

function mentionsOf(node: ts.Node): string[] {
  if (ts.isTypeReferenceNode(node)) {
    return [node.typeName.getText(), ...(node.typeArguments ?? []).flatMap(mentionsOf)];
  }
  const names: string[] = [];
  node.forEachChild((child) => void names.push(...mentionsOf(child)));
  return names;
}

// Comments

interface Tag {
  readonly name: string;
  readonly text: string;
}

interface Doc {
  readonly text: string;
  readonly tags: readonly Tag[];
}

/** The doc comment of a declaration. */
function docOf(node: ts.Node): Doc {
  const comment = ts.getLeadingCommentRanges(node.getSourceFile().text, node.getFullStart())
    ?.map(({ pos, end }) => node.getSourceFile().text.slice(pos, end))
    .filter((text) => text.startsWith("/**")).at(-1) ?? "";
  const lines = comment.replace(/^\/\*\*|\*\/$/g, "").split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const tags: { name: string; lines: string[] }[] = [{ name: "", lines: [] }];
  let isCode = false;
  for (const line of lines) {
    if (line.startsWith("```")) isCode = !isCode;
    const [, name, text] = (isCode ? null : /^\s*@(\w+)\s*(.*)$/.exec(line)) ?? [];
    if (name === undefined) tags.at(-1)!.lines.push(line);
    else tags.push({ name, lines: [text!] });
  }
  const [{ lines: text } = { lines: [] }, ...rest] = tags;
  return {
    text: text.join("\n").trim(),
    tags: rest.map(({ name, lines }) => ({
      name,
      text: lines.join(" ").replace(/\s+/g, " ").trim(),
    })),
  };
}

function firstSentence(text: string): string {
  return /^[^]*?\.(?=\s|$)/.exec(text.replaceAll("\n", " "))?.[0] ?? text;
}

/** What is said about a value, and the types of the API that it has. */
function described(words: string, types: string): string {
  if (words === "" || types === "") return words + types;
  return `${words} See ${types}.`;
}

/** Links of comments, names as code, and words that look like the name of a class or type. */
const NAMES = /\{@link (\S+?)\}|`([A-Z]\w*)`|`[^`]*`|(?<![\w/.])([A-Z][a-z]+[A-Z]\w*)(?![\w/])/g;

/** The names of errors as code. */
function withErrorNames(text: string): string {
  return text.replaceAll(/(?<![`\w])([A-Z]\w*Error|Error(?= if\b))(?![`\w])/g, "`$1`");
}

// Markdown

function fence(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\`\n`;
}

function withoutLinks(text: string): string {
  return text.replaceAll(/\{@link (\S+?)\}/g, "$1");
}

/** Continues an item of a list. */
function indented(text: string): string {
  return text.replaceAll(/\n(?!\n|$)/g, "\n  ");
}

/** Code without comments, on one line. */
function oneLine(code: string): string {
  return code.replaceAll(/\/\*[^]*?\*\//g, " ").replaceAll(/\s+/g, " ").replace(/ ?: \| /, ": ")
    .trim();
}

function escapedHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll(/[[\]|*_]/g, "\\$&");
}
