/**
 * Lays out code as `deno fmt` does: strings, objects, lists, calls, comments and names.
 *
 * @module
 */

/** Characters per line, as `deno fmt` has it by default. */
const WIDTH = 80;

/** An expression: code on one line, or one that can be laid out on several. */
export type Code =
  | string
  | { readonly kind: "object"; readonly members: readonly (readonly [key: string, value: Code])[] }
  | { readonly kind: "list"; readonly items: readonly Code[] }
  | CallCode & { readonly kind: "call" }
  /** A function; `body` makes its lines. */
  | FunctionCode;

interface FunctionCode {
  readonly kind: "function";
  /** Up to its brace, such as `(res) =>`. */
  readonly head: string;
  body(indent: number): readonly string[];
}

interface CallCode {
  readonly callee: string;
  readonly args: readonly Code[];
}

/** An object; members without a value are left out. */
export function objectCode(
  members: readonly (readonly [key: string, value: Code | undefined])[],
): Code {
  return {
    kind: "object",
    members: members.flatMap(([key, value]) => value === undefined ? [] : [[key, value] as const]),
  };
}

/** A list. */
export function listCode(items: readonly Code[]): Code {
  return { kind: "list", items };
}

/** A call. */
export function callCode(callee: string, args: readonly Code[]): Code {
  return { kind: "call", callee, args };
}

/**
 * The lines of a statement.
 *
 * @param indent spaces before it.
 * @param before what precedes the expression, such as `const a = `.
 */
export function statement(indent: number, before: string, code: Code, after = ";"): string[] {
  const lines = layOut(code, indent, indent + before.length, after.length);
  const first = `${" ".repeat(indent)}${before}${lines[0]}`;
  // An assignment whose value cannot be broken goes to the next line.
  if (lines.length === 1 && first.length + after.length > WIDTH && before.endsWith("= ")) {
    const broken = withDefault(
      layOut(code, indent + 2, indent + 2, after.length),
      indent + 2,
      after,
    );
    return withEnd([
      `${" ".repeat(indent)}${before.trimEnd()}`,
      `${" ".repeat(indent + 2)}${broken[0]}`,
      ...broken.slice(1),
    ], after);
  }
  return withEnd([first, ...lines.slice(1)], after);
}

/** A default value goes to a line of its own if it does not fit. */
function withDefault(lines: readonly string[], indent: number, after: string): readonly string[] {
  const [line = ""] = lines;
  const end = ' ?? ""';
  if (lines.length > 1 || indent + line.length + after.length <= WIDTH || !line.endsWith(end)) {
    return lines;
  }
  return [`${line.slice(0, -end.length)} ??`, `${" ".repeat(indent + 2)}""`];
}

function withEnd(lines: readonly string[], after: string): string[] {
  return [...lines.slice(0, -1), `${lines.at(-1)}${after}`];
}

/**
 * The lines of an expression: the first without its indent, the others with it.
 *
 * @param column where the first line begins.
 * @param after the length of what follows on the last line.
 */
function layOut(code: Code, indent: number, column: number, after: number): string[] {
  const flat = flatCode(code);
  if (typeof code === "string") return [code];
  if (flat !== null && column + flat.length + after <= WIDTH) return [flat];
  switch (code.kind) {
    case "object":
      if (code.members.length === 0) return ["{}"];
      return block("{", "}", indent, code.members.map(([key, value]) => lineUp(key, value)));
    case "list":
      if (code.items.length === 0) return ["[]"];
      return block("[", "]", indent, code.items.map((item) => lineUp(null, item)));
    case "function":
      return functionLines(code, indent);
    case "call":
      return hugged(code, indent, column) ??
        block(`${code.callee}(`, ")", indent, code.args.map((arg) => lineUp(null, arg)));
  }
}

type Member = (indent: number) => string[];

function lineUp(key: string | null, value: Code): Member {
  return (indent) => {
    if (key === null) return layOut(value, indent, indent, 1);
    if (value === key && isName(key)) return [key];
    const lines = layOut(value, indent, indent + key.length + 2, 1);
    const first = `${key}: ${lines[0]}`;
    if (lines.length === 1 && indent + first.length + 1 > WIDTH) {
      return [`${key}:`, `${" ".repeat(indent + 2)}${lines[0]}`];
    }
    return [first, ...lines.slice(1)];
  };
}

function block(
  open: string,
  close: string,
  indent: number,
  members: readonly Member[],
): string[] {
  const inner = " ".repeat(indent + 2);
  const lines = members.flatMap((member) => {
    const [first, ...others] = member(indent + 2);
    return withEnd([`${inner}${first}`, ...others], ",");
  });
  return [open, ...lines, `${" ".repeat(indent)}${close}`];
}

function functionLines({ head, body }: FunctionCode, indent: number): string[] {
  return [`${head} {`, ...body(indent + 2), `${" ".repeat(indent)}}`];
}

/** A call whose last argument alone is laid out on several lines; `null` if that does not fit. */
function hugged(
  { callee, args }: CallCode,
  indent: number,
  column: number,
): string[] | null {
  const last = args.at(-1);
  if (last === undefined || typeof last === "string" || last.kind === "call") return null;
  const flat = args.slice(0, -1).map(flatCode);
  if (flat.includes(null)) return null;
  const before = `${callee}(${flat.map((arg) => `${arg}, `).join("")}`;
  const [first, ...others] = last.kind === "function"
    ? functionLines(last, indent)
    : layOut(last, indent, Infinity, 0);
  if (column + before.length + first!.length > WIDTH) return null;
  return withEnd([`${before}${first}`, ...others], ")");
}

/** An expression on one line; `null` if it has a function with a body. */
function flatCode(code: Code): string | null {
  if (typeof code === "string") return code;
  switch (code.kind) {
    case "object": {
      const members = code.members.map(([key, value]) => {
        const flat = flatCode(value);
        return flat === null ? null : flat === key && isName(key) ? key : `${key}: ${flat}`;
      });
      if (members.includes(null)) return null;
      return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
    }
    case "list":
    case "call": {
      const items = (code.kind === "list" ? code.items : code.args).map(flatCode);
      if (items.includes(null)) return null;
      return code.kind === "list" ? `[${items.join(", ")}]` : `${code.callee}(${items.join(", ")})`;
    }
    case "function":
      return null;
  }
}

/** A string, in the quotes that need fewer escapes. Invisible characters are escaped. */
export function stringCode(text: string): string {
  const json = JSON.stringify(text).slice(1, -1);
  const singles = text.split("'").length;
  const quoted = text.split('"').length > singles
    ? `'${json.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
    : `"${json}"`;
  return escapeInvisible(quoted);
}

/** Text inside a template literal. */
export function templateText(text: string): string {
  return escapeInvisible(
    JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll(/`|\$(?=\{)/g, "\\$&"),
  );
}

function escapeInvisible(code: string): string {
  return code.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}

/** The key of a member of an object literal. */
export function keyCode(name: string): string {
  // Without brackets, it would set the prototype.
  if (name === "__proto__") return '["__proto__"]';
  return isName(name) ? name : stringCode(name);
}

/** Whether a text can be written as `.text` after an object, or as a key without quotes. */
export function isName(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text);
}

/** Comment lines. Text of others cannot end the comment. */
export function commentLines(indent: number, text: string): string[] {
  const start = `${" ".repeat(indent)}//`;
  return text.split("\n").flatMap((paragraph) => {
    // Lines that are indented, such as commands, are kept as they are.
    if (paragraph.startsWith(" ")) return [`${start} ${visible(paragraph)}`];
    return wrapped(visible(paragraph), WIDTH - start.length - 1)
      .map((line) => line === "" ? start : `${start} ${line}`);
  });
}

function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ").trimEnd();
}

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ").filter((part) => part !== "")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Words of a text, for names: `order_items/:id` has `order`, `items` and `id`. */
function wordsOf(text: string): string[] {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "")
    .replaceAll(/([a-z\d])(?=[A-Z])/g, "$1 ")
    .split(/[^A-Za-z\d]+/).filter((word) => word !== "");
}

/** A text as a name like `orderItems`; `fallback` if it has no letters that names can have. */
export function camelCase(text: string, fallback: string): string {
  const name = pascalCase(text, "");
  const camel = name.slice(0, 1).toLowerCase() + name.slice(1);
  return camel === "" || /^\d/.test(camel)
    ? fallback
    : RESERVED.has(camel)
    ? `${camel}Value`
    : camel;
}

/** A text as a part of a name like `OrderItems`. */
export function pascalCase(text: string, fallback: string): string {
  const words = wordsOf(text).map((word) =>
    word.slice(0, 1).toUpperCase() +
    (/^[A-Z\d]+$/.test(word) ? word.slice(1).toLowerCase() : word.slice(1))
  );
  const name = words.join("").slice(0, MAX_NAME);
  return name === "" ? fallback : name;
}

/** A text as a name like `ORDER_ITEMS`. */
export function constantCase(text: string, fallback: string): string {
  const name = wordsOf(text).join("_").toUpperCase().slice(0, MAX_NAME);
  return name === "" || /^\d/.test(name) ? fallback : name;
}

/** The name itself, or with a number if it is taken; from then on, it is taken. */
export function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let count = 2; taken.has(unique); count++) unique = `${name}${count}`;
  taken.add(unique);
  return unique;
}

const MAX_NAME = 40;

/** Words that cannot be the name of a variable or of a field. */
const RESERVED: ReadonlySet<string> = new Set(
  ("arguments await break case catch class const continue debugger default delete do else enum eval " +
    "export extends false finally for function if implements import in instanceof interface let new null " +
    "package private protected public return static super switch this throw true try typeof undefined var " +
    "void while with yield assert events res " +
    // Members of users, which fields of these names would replace.
    "check constructor group host id iteration measure onStart onStop record run session signal sleep")
    .split(" "),
);

/** A part of a URL without its escapes; as it is if they are invalid. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
