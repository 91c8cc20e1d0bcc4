/**
 * Reads JSON and YAML documents that other programs wrote, and follows their references.
 *
 * @module
 */

import { decoded } from "./code.ts";
import { basename, dirname, resolve as resolvePath } from "node:path";
import { messageText, systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** An object of a document, as it was parsed. */
export type Json = Record<string, unknown>;

/** Whether a value is an object of a document. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The elements of a list; none if it is no list. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An object itself; an empty one if it is no object. */
export function asObject(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** A text itself; an empty one if it is no text. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Calls a function, and names the place in the message of a usage error. */
export function within<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.startsWith(where)) throw error;
    throw new UsageError(`${where}: ${error.message}`, error.hint, error);
  }
}

/**
 * Reads a document that must be an object.
 *
 * @param option the option that names the file, for messages.
 * @param path `-`: standard input.
 * @throws UsageError if the file cannot be read, or is neither JSON nor YAML. It says in which line.
 */
export async function readDocument(host: Host, option: string, path: string): Promise<Json> {
  const isInput = path === "-";
  const fullPath = isInput ? "/dev/stdin" : resolvePath(host.cwd, path);
  if (!isInput && !await host.isFile(fullPath)) {
    throw new UsageError(`${option} ${path}: file not found: ${fullPath}`);
  }
  let text: string;
  try {
    text = await host.readTextFile(fullPath);
  } catch (error) {
    throw new UsageError(
      `${option} ${path}: cannot read the file: ${systemReason(error)}`,
      "",
      error,
    );
  }
  if (text.trim() === "") throw new UsageError(`${option} ${path}: the file is empty`);
  const what = `${option} ${path}`;
  const value = checked(await parse(text, what), what);
  if (isObject(value)) return value;
  throw new UsageError(
    `${option} ${path}: expected an object, but the document is ${kindOf(value)}`,
  );
}

/** A value that functions can walk through. */
function checked(value: unknown, what: string): unknown {
  if (isDeeper(value, MAX_DEPTH)) {
    throw new UsageError(`${what}: it is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (isCyclic(value, new Set(), new Set())) {
    throw new UsageError(`${what}: an alias leads to what is around it`);
  }
  return value;
}

/** Much more than any document has, and few enough for functions that call themselves. */
const MAX_DEPTH = 500;

function isDeeper(root: unknown, depth: number): boolean {
  let level: unknown[] = [root];
  const seen = new Set<unknown>();
  for (let left = depth; level.length > 0; left--) {
    if (left < 0) return true;
    level = level.flatMap((part) => {
      // Aliases of YAML can make a part appear more than once, and be inside itself.
      if (typeof part !== "object" || part === null || seen.has(part)) return [];
      seen.add(part);
      return Object.values(part);
    });
  }
  return false;
}

/** Whether a part contains itself, as aliases of YAML can make it. */
function isCyclic(part: unknown, around: Set<unknown>, done: Set<unknown>): boolean {
  if (typeof part !== "object" || part === null || done.has(part)) return false;
  if (around.has(part)) return true;
  around.add(part);
  const found = Object.values(part).some((inner) => isCyclic(inner, around, done));
  around.delete(part);
  done.add(part);
  return found;
}

/** JSON has a parser of its own: that of YAML takes many times as long, and some documents have 10 MB. */
async function parse(text: string, what: string): Promise<unknown> {
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch (error) {
      // In YAML, lists and objects can be written in this way, too.
      if (/^\s*[{[]\s*("|\/\/|[}\]]|$)/.test(text)) {
        throw new UsageError(
          `${what}: invalid JSON: ${await jsonProblem(text, messageText(error))}`,
          "",
          error,
        );
      }
    }
  }
  return await fromYaml(text, what);
}

/**
 * The value of a text in YAML.
 *
 * @param what names it in messages.
 * @throws UsageError that says what is wrong, and in which line.
 */
export async function parseYaml(text: string, what: string): Promise<unknown> {
  return checked(await fromYaml(text, what), what);
}

async function fromYaml(text: string, what: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new UsageError(
      `${what}: invalid YAML: ${placeIn(text, problem.pos[0])}: ${yamlProblem(problem.message)}`,
      "",
      problem,
    );
  }
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that would fill the memory, or that lead nowhere.
    throw new UsageError(`${what}: invalid YAML: ${lowerFirst(messageText(error))}`, "", error);
  }
}

/** What is wrong with JSON, and where: the parser of the runtime tells the place of some errors only. */
async function jsonProblem(text: string, message: string): Promise<string> {
  const position = /position (\d+)/.exec(message)?.[1];
  const what = message.replace(/ in JSON at position.*$/s, "").replace(
    /, .*is not valid JSON$/s,
    "",
  );
  if (position !== undefined) return `${placeIn(text, Number(position))}: ${lowerFirst(what)}`;
  if (/end of JSON/.test(message)) return `${placeIn(text, text.length)}: the end is missing`;
  const { parseExpressionAt } = await import("acorn");
  try {
    parseExpressionAt(text, 0, { ecmaVersion: "latest" });
  } catch (error) {
    const at = (error as { readonly pos?: unknown }).pos;
    if (typeof at === "number") return `${placeIn(text, at)}: ${lowerFirst(what)}`;
  }
  return lowerFirst(what);
}

function yamlProblem(message: string): string {
  return /call stack/.test(message) ? "it is nested too deep" : lowerFirst(message);
}

function placeIn(text: string, position: number): string {
  const before = text.slice(0, position).split(/\r\n|\n|\r/);
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}

/** The name of a document in texts. */
export function documentName(path: string): string {
  return path === "-" ? "standard input" : basename(path);
}

/** What a document refers to: parts of itself, and of other files beside it. */
export class References {
  readonly #root: Json;
  readonly #files: ReadonlyMap<string, Json>;

  private constructor(root: Json, files: ReadonlyMap<string, Json>) {
    this.#root = root;
    this.#files = files;
  }

  /**
   * Reads the files that the document refers to, and those that these refer to.
   *
   * @throws UsageError if one cannot be read.
   */
  static async load(host: Host, option: string, path: string, root: Json): Promise<References> {
    const files = new Map<string, Json>();
    const own = resolvePath(host.cwd, path);
    const unread: [file: string, content: Json][] = [[own, root]];
    for (let next = unread.pop(); next !== undefined; next = unread.pop()) {
      const [file, content] = next;
      for (const part of partsWithReference(content)) {
        const [target, pointer] = splitReference(part.$ref);
        if (/^[a-z][a-z\d+.-]+:/i.test(target)) continue;
        const other = target === "" ? file : resolvePath(dirname(file), decoded(target));
        // From here on, a reference means the same in every file.
        part.$ref = other === own ? `#${pointer}` : `${other}#${pointer}`;
        if (other === own || files.has(other)) continue;
        const read = await readDocument(host, option, other);
        files.set(other, read);
        unread.push([other, read]);
      }
    }
    return new References(root, files);
  }

  /**
   * What a part stands for: itself, or what its `$ref` leads to.
   *
   * @throws UsageError if the `$ref` leads nowhere.
   */
  resolve(part: unknown): unknown {
    let found = part;
    for (let steps = 0; isObject(found) && typeof found.$ref === "string"; steps++) {
      if (steps > MAX_STEPS) throw new UsageError(`$ref ${found.$ref}: it leads to itself`);
      found = this.#find(found.$ref);
    }
    return found;
  }

  #find(reference: string): unknown {
    const [target, pointer] = splitReference(reference);
    if (/^[a-z][a-z\d+.-]+:/i.test(target) && !this.#files.has(target)) {
      throw new UsageError(
        `$ref ${reference}: documents on other hosts are not read`,
        "Put everything into one file first: npx @redocly/cli bundle openapi.yaml -o bundled.yaml",
      );
    }
    let found: unknown = target === "" ? this.#root : this.#files.get(target);
    for (const name of pointer.split("/").slice(1)) {
      const key = decoded(name).replaceAll("~1", "/").replaceAll("~0", "~");
      const isThere = typeof found === "object" && found !== null && Object.hasOwn(found, key);
      found = isThere ? (found as Json)[key] : undefined;
    }
    if (found !== undefined && (pointer === "" || pointer.startsWith("/"))) return found;
    throw new UsageError(`$ref ${reference}: there is no such part of the document`);
  }
}

const MAX_STEPS = 100;

function splitReference(reference: string): [target: string, pointer: string] {
  const hash = reference.indexOf("#");
  return hash < 0 ? [reference, ""] : [reference.slice(0, hash), reference.slice(hash + 1)];
}

/** All parts of a document that refer to others. Aliases of YAML can make a part appear more than once. */
function partsWithReference(root: unknown): (Json & { $ref: string })[] {
  const found: (Json & { $ref: string })[] = [];
  const seen = new Set<unknown>();
  const unseen: unknown[] = [root];
  while (unseen.length > 0) {
    const part = unseen.pop();
    if (typeof part !== "object" || part === null || seen.has(part)) continue;
    seen.add(part);
    if (isObject(part) && typeof part.$ref === "string") {
      found.push(part as Json & { $ref: string });
    }
    for (const value of Object.values(part)) unseen.push(value);
  }
  return found;
}
