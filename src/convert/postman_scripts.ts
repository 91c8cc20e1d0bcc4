/**
 * Translates the scripts of Postman collections: checks of responses, and variables that take values from
 * them. What is not understood is kept as text.
 *
 * @module
 */

import { type AnyNode, type CallExpression, type Expression, parse, type Pattern } from "acorn";
import type { Check, JsonDraft, JsonPath, Place } from "./draft.ts";

/** What a script does. */
export interface Script {
  readonly checks: readonly Check[];
  readonly sets: readonly Assignment[];
  /** The lines that were not translated. */
  readonly untranslated: readonly string[];
}

/** A variable of the collection that gets a value. */
export interface Assignment {
  readonly variable: string;
  readonly value:
    | { readonly kind: "place"; readonly place: Place }
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "code"; readonly code: string; readonly type: "string" | "number" };
}

/** Translates a script. A script with a syntax error is not translated at all. */
export function translateScript(source: string): Script {
  let program;
  try {
    program = parse(source, {
      ecmaVersion: "latest",
      allowAwaitOutsideFunction: true,
      allowReturnOutsideFunction: true,
    });
  } catch {
    const lines = source.split(/\r?\n/).filter((line) => line.trim() !== "");
    return { checks: [], sets: [], untranslated: lines };
  }
  const translator = new Translator(source);
  translator.statements(program.body);
  return translator.result();
}

/** What a name in a script stands for. */
type Meaning = { readonly kind: "json"; readonly path: JsonPath } | { readonly kind: "text" };

class Translator {
  readonly #source: string;
  readonly #meanings = new Map<string, Meaning>();
  readonly #checks: Check[] = [];
  readonly #sets: Assignment[] = [];
  readonly #untranslated: string[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  result(): Script {
    return { checks: this.#checks, sets: this.#sets, untranslated: this.#untranslated };
  }

  statements(nodes: readonly AnyNode[]): void {
    for (const node of nodes) {
      if (!this.#statement(node)) {
        this.#untranslated.push(...this.#text(node).split(/\r?\n/));
      }
    }
  }

  /** Whether a statement was translated; its parts that were not are noted themselves. */
  #statement(node: AnyNode): boolean {
    switch (node.type) {
      case "EmptyStatement":
        return true;
      case "VariableDeclaration":
        return node.declarations.every(({ id, init }) => this.#declare(id, init));
      case "ExpressionStatement":
        return this.#expression(node.expression);
      case "BlockStatement":
        this.statements(node.body);
        return true;
      case "IfStatement":
        return this.#guarded(node.test, node.consequent, node.alternate ?? null);
      default:
        return false;
    }
  }

  #declare(id: Pattern, init: Expression | null | undefined): boolean {
    if (!init) return false;
    if (this.#isModule(init)) return true;
    const meaning = this.#meaning(init);
    if (meaning === null) return false;
    if (id.type === "Identifier") {
      this.#meanings.set(id.name, meaning);
      return true;
    }
    if (id.type !== "ObjectPattern" || meaning.kind !== "json") return false;
    for (const property of id.properties) {
      if (property.type !== "Property" || property.computed) return false;
      const { key, value } = property;
      if (key.type !== "Identifier" || value.type !== "Identifier") return false;
      this.#meanings.set(value.name, { kind: "json", path: [...meaning.path, key.name] });
    }
    return true;
  }

  /** Libraries that scripts load for what is translated anyway. */
  #isModule(init: Expression): boolean {
    return /^require\(["'](uuid|moment|lodash|crypto-js)["']\)/.test(this.#text(init));
  }

  /** Values are often only taken from responses with the right status; others are failures anyway. */
  #guarded(test: Expression, then: AnyNode, otherwise: AnyNode | null): boolean {
    const condition = this.#text(test);
    const words = condition.match(/[\w$]+/g) ?? [];
    const isGuard = otherwise === null &&
      (/response|body/i.test(condition) || words.some((word) => this.#meanings.has(word)));
    const inner = new Translator(this.#source);
    for (const [name, meaning] of this.#meanings) inner.#meanings.set(name, meaning);
    inner.statements(then.type === "BlockStatement" ? then.body : [then]);
    if (!isGuard || inner.#untranslated.length > 0 || inner.#checks.length > 0) return false;
    this.#sets.push(...inner.#sets);
    return true;
  }

  #expression(node: Expression): boolean {
    if (node.type === "AwaitExpression") return this.#expression(node.argument);
    if (node.type === "AssignmentExpression") {
      return this.#oldTest(node.left, node.right) || this.#assign(node.left, node.right);
    }
    if (node.type !== "CallExpression") return this.#assertion(node);
    const callee = this.#text(node.callee);
    if (/^console\.\w+$/.test(callee)) return true;
    if (callee === "pm.test") return this.#test(node);
    const set = SETTERS.exec(callee);
    if (set !== null) return this.#set(node);
    return this.#assertion(node);
  }

  #assign(left: AnyNode, right: Expression): boolean {
    const meaning = left.type === "Identifier" ? this.#meaning(right) : null;
    if (meaning === null || left.type !== "Identifier") return false;
    this.#meanings.set(left.name, meaning);
    return true;
  }

  #test({ arguments: [, body] }: CallExpression): boolean {
    if (body?.type !== "FunctionExpression" && body?.type !== "ArrowFunctionExpression") {
      return false;
    }
    if (body.body.type === "BlockStatement") this.statements(body.body.body);
    else if (!this.#expression(body.body)) this.#untranslated.push(this.#text(body.body));
    return true;
  }

  /** `tests["…"] = responseCode.code === 200`, as it was written before `pm.test`. */
  #oldTest(left: AnyNode, right: Expression): boolean {
    if (!/^tests\[/.test(this.#text(left)) || right.type !== "BinaryExpression") return false;
    if (right.operator !== "===" && right.operator !== "==") return false;
    const expected = literal(right.right);
    return expected !== undefined && this.#equal(right.left as Expression, expected);
  }

  #set({ arguments: [name, value] }: CallExpression): boolean {
    const variable = name === undefined ? undefined : literal(name);
    if (typeof variable !== "string" || value === undefined || value.type === "SpreadElement") {
      return false;
    }
    const found = this.#assigned(value);
    if (found === null) return false;
    this.#sets.push({ variable, value: found });
    return true;
  }

  #assigned(node: Expression): Assignment["value"] | null {
    const text = literal(node);
    if (text !== undefined && (typeof text !== "object" || text === null)) {
      return { kind: "text", text: String(text) };
    }
    const place = this.#place(node);
    if (place !== null) return { kind: "place", place };
    const source = this.#text(node);
    const replaced = /^pm\.variables\.replaceIn\((["'`])([^"'`]*)\1\)$/.exec(source)?.[2];
    if (replaced !== undefined) return { kind: "text", text: replaced };
    if (/^(uuid\.v4|uuidv4|uuid|require\(["']uuid["']\)(\.v4)?)\(\)$/.test(source)) {
      return { kind: "code", code: "crypto.randomUUID()", type: "string" };
    }
    return this.#isPlain(node)
      ? {
        kind: "code",
        code: source,
        type: /^(String|new Date\(\)\.to|`|["'])/.test(source) ? "string" : "number",
      }
      : null;
  }

  /** Whether an expression needs nothing but the language itself. */
  #isPlain(node: Expression): boolean {
    const source = this.#text(node);
    const words =
      source.replaceAll(/(["'])(?:\\.|(?!\1).)*\1/g, "").match(/(?<![.\w$])[A-Za-z_$][\w$]*/g) ??
        [];
    const known = new Set(["Date", "Math", "String", "Number", "new", "parseInt"]);
    return words.length > 0 && words.every((word) => known.has(word)) &&
      !/[`;{}]|=>/.test(source) &&
      /Date|Math/.test(source);
  }

  /** Where a value is in the response; `null` if it is elsewhere. */
  #place(node: Expression): Place | null {
    const meaning = this.#meaning(node);
    if (meaning?.kind === "json") return { kind: "json", path: meaning.path };
    const source = this.#text(node);
    const header = /^(?:pm\.response\.headers\.get|postman\.getResponseHeader)\((["'])([^"']+)\1\)$/
      .exec(source)?.[2];
    if (header !== undefined) return { kind: "header", name: header.toLowerCase() };
    const cookie =
      /^(?:pm\.cookies\.get\((["'])([^"']+)\1\)|postman\.getResponseCookie\((["'])([^"']+)\3\)\.value)$/
        .exec(source);
    if (cookie !== null) return { kind: "cookie", name: cookie[2] ?? cookie[4]! };
    return null;
  }

  #meaning(node: AnyNode): Meaning | null {
    const source = this.#text(node);
    if (JSON_BODIES.includes(source)) return { kind: "json", path: [] };
    if (TEXT_BODIES.includes(source)) return { kind: "text" };
    if (node.type === "Identifier") return this.#meanings.get(node.name) ?? null;
    if (node.type === "ChainExpression") return this.#meaning(node.expression);
    if (node.type !== "MemberExpression") return null;
    const object = this.#meaning(node.object);
    if (object?.kind !== "json") return null;
    const key = node.computed
      ? literal(node.property)
      : node.property.type === "Identifier"
      ? node.property.name
      : undefined;
    if (typeof key !== "string" && typeof key !== "number") return null;
    // This is a question about the value, and no part of it.
    if (key === "length") return null;
    return { kind: "json", path: [...object.path, key] };
  }

  /** `pm.response.to.have.status(200)`, `pm.expect(…).to.equal(…)` and their like. */
  #assertion(node: Expression): boolean {
    const source = this.#text(node);
    if (/^pm\.response\.to\.be\.(ok|success)$/.test(source)) return true;
    if (/^pm\.response\.to\.(not\.be\.error|not\.have\.status\((4|5)\d\d\))$/.test(source)) {
      return true;
    }
    if (node.type === "MemberExpression") {
      const value = { true: true, false: false, null: null }[
        /\.to\.be\.(true|false|null)$/.exec(source)?.[1] as "true" | "false" | "null"
      ];
      const expected = this.#expected(node);
      return value !== undefined && expected !== null && this.#equal(expected, value);
    }
    if (node.type !== "CallExpression") return false;
    const callee = this.#text(node.callee);
    const [first] = node.arguments;
    const argument = first === undefined ? undefined : literal(first);
    if (argument === undefined) return false;
    if (callee === "pm.response.to.have.status") {
      return typeof argument === "number" && this.#add({ kind: "status", statuses: [argument] });
    }
    const expected = this.#expected(node.callee as Expression);
    if (expected === null) return false;
    const verb = /\)\.((?:to|be|deep|have|that|is)(?:\.\w+)*)$/.exec(callee)?.[1] ?? "";
    if (/^to\.(be\.)?(deep\.)?(equals?|eql|eq)$/.test(verb)) return this.#equal(expected, argument);
    if (verb === "to.be.oneOf" && Array.isArray(argument) && this.#isStatus(expected)) {
      const statuses = argument.filter((one) => typeof one === "number");
      return statuses.length === argument.length && this.#add({ kind: "status", statuses });
    }
    if (/^to\.(includes?|contains?)$/.test(verb) && typeof argument === "string") {
      const isText = this.#meaning(expected)?.kind === "text";
      return isText && this.#add({ kind: "text", includes: argument });
    }
    return false;
  }

  /** What stands in the parentheses of `pm.expect(…)`. */
  #expected(node: Expression): Expression | null {
    let inner: AnyNode = node;
    while (inner.type === "MemberExpression") inner = inner.object;
    if (inner.type !== "CallExpression" || this.#text(inner.callee) !== "pm.expect") return null;
    const [first] = inner.arguments;
    return first === undefined || first.type === "SpreadElement" ? null : first;
  }

  #isStatus(node: Expression): boolean {
    return ["pm.response.code", "responseCode.code"].includes(this.#text(node));
  }

  #equal(actual: Expression, expected: JsonDraft): boolean {
    if (this.#isStatus(actual)) {
      return typeof expected === "number" && this.#add({ kind: "status", statuses: [expected] });
    }
    const place = this.#place(actual);
    if (place?.kind === "json") {
      return this.#add({ kind: "json", path: place.path, equals: expected });
    }
    if (place?.kind === "header" && typeof expected === "string") {
      return this.#add({ kind: "header", name: place.name, equals: expected });
    }
    return false;
  }

  #add(check: Check): boolean {
    this.#checks.push(check);
    return true;
  }

  #text({ start, end }: AnyNode): string {
    return this.#source.slice(start, end);
  }
}

const SETTERS =
  /^(pm\.(environment|collectionVariables|globals|variables)\.set|postman\.set(Environment|Global)Variable)$/;

const JSON_BODIES = [
  "pm.response.json()",
  "JSON.parse(responseBody)",
  "JSON.parse(pm.response.text())",
];
const TEXT_BODIES = ["pm.response.text()", "responseBody"];

/** The value of a literal; `undefined` if an expression is none. */
function literal(node: AnyNode): JsonDraft | undefined {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" || typeof node.value === "number" ||
          typeof node.value === "boolean" || (node.value === null && node.raw === "null")
        ? node.value
        : undefined;
    case "TemplateLiteral":
      return node.expressions.length === 0 ? node.quasis[0]!.value.cooked ?? undefined : undefined;
    case "UnaryExpression": {
      const value = literal(node.argument);
      return node.operator === "-" && typeof value === "number" ? -value : undefined;
    }
    case "ArrayExpression": {
      const items = node.elements.map((item) => item === null ? undefined : literal(item));
      return items.includes(undefined) ? undefined : items as JsonDraft[];
    }
    case "ObjectExpression": {
      const entries: [string, JsonDraft][] = [];
      for (const property of node.properties) {
        if (property.type !== "Property" || property.computed) return undefined;
        const { key } = property;
        const name = key.type === "Identifier" ? key.name : literal(key);
        const value = literal(property.value);
        if ((typeof name !== "string" && typeof name !== "number") || value === undefined) {
          return undefined;
        }
        entries.push([String(name), value]);
      }
      return Object.fromEntries(entries);
    }
    default:
      return undefined;
  }
}
