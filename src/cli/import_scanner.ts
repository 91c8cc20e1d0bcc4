/**
 * Which files a module imports, found in its text: inside the executable nobody else can be asked.
 *
 * @module
 */

/** One piece of a module's text that means something. */
interface Token {
  readonly kind: "word" | "text" | "other";
  /** A text without its quotes. */
  readonly value: string;
}

/** White space, comments, quoted texts, words and numbers, or one character of another kind. */
const PIECE =
  /(\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|"([^"\\\n]*(?:\\[\s\S][^"\\\n]*)*)"?|'([^'\\\n]*(?:\\[\s\S][^'\\\n]*)*)'?|([\p{ID_Continue}$]+)|[\s\S]/uy;

/** What stands between a back quote or a brace and the next brace or back quote. */
const TEMPLATE = /([^`\\$]*(?:(?:\\[\s\S]|\$(?!\{))[^`\\$]*)*)(`|\$\{|\\?$)/uy;

/** A regular expression, with its slashes; a bound keeps a text that is none from taking long. */
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,500}\]){1,1000}\//uy;

/** Words behind which a slash begins a regular expression. */
const BEFORE_PATTERN = new Set(
  ("await case delete do else in instanceof new of return throw typeof void yield").split(" "),
);

/**
 * The relative names that a module imports, each once: `import`, `export … from`, and `import()` with
 * a plain text. A name that is put together while the module runs is not found.
 *
 * ```ts
 * import { localImports } from "./import_scanner.ts";
 * import assert from "node:assert/strict";
 *
 * const text = `
 *   import { User } from "aiotest";
 *   import { cart } from "./cart.ts"; // import "./old.ts";
 *   const lazy = await import("../lib/lazy.ts");
 * `;
 * assert.deepEqual(localImports(text), ["./cart.ts", "../lib/lazy.ts"]);
 * ```
 */
export function localImports(text: string): string[] {
  const found = new Set<string>();
  const before: [string, string] = ["", ""];
  for (const { kind, value } of tokensOf(text)) {
    const isImported = before[1] === "from" || before[1] === "import" ||
      (before[0] === "import" && before[1] === "(");
    if (kind === "text" && isImported && /^\.\.?\//.test(value)) found.add(value);
    before.shift();
    // A text that says "import" is no import.
    before.push(kind === "text" ? "" : value);
  }
  return [...found];
}

function* tokensOf(text: string): Generator<Token> {
  /** For each template that is open, how many braces are open in its `${`. */
  const templates: number[] = [];
  let last: Token = { kind: "other", value: "" };
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const matched = pattern.exec(text);
    if (matched !== null) at = pattern.lastIndex;
    return matched;
  };
  while (at < text.length) {
    if (text[at] === "/" && mayBePattern(last) && !/^\/[/*]/.test(text.slice(at, at + 2))) {
      if (match(PATTERN) !== null) {
        last = { kind: "text", value: "" };
        continue;
      }
    }
    const [piece, blank, double, single, word] = match(PIECE)!;
    if (blank !== undefined) continue;
    const isEnd = piece === "}" && templates.at(-1) === 0;
    if (piece === "`" || isEnd) {
      const [, content = "", end] = match(TEMPLATE)!;
      if (isEnd) templates.pop();
      if (end === "${") templates.push(0);
      // Only a template without any `${` is a plain text.
      last = end === "${"
        ? { kind: "other", value: end }
        : { kind: "text", value: isEnd ? "" : content };
    } else if (word !== undefined) last = { kind: "word", value: word };
    else if (double !== undefined || single !== undefined) {
      last = { kind: "text", value: double ?? single! };
    } else {
      last = { kind: "other", value: piece };
      if (templates.length > 0 && piece === "{") templates[templates.length - 1]!++;
      if (templates.length > 0 && piece === "}") templates[templates.length - 1]!--;
    }
    yield last;
  }
}

/** Behind a value, a slash divides. */
function mayBePattern({ kind, value }: Token): boolean {
  if (kind === "word") return BEFORE_PATTERN.has(value);
  return kind === "other" && value !== ")" && value !== "]";
}
