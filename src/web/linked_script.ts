/**
 * Modules for browsers put together as one script, for a page that is a file of its own: there, a module
 * can import no other.
 *
 * @module
 */

/** One module, or one script that is imported like one. */
export interface ScriptModule {
  /** What it is imported by: a path, or the name of a package. */
  readonly name: string;
  readonly text: string;
  /** The variable that a script leaves its one value in; left out for a module. */
  readonly variable?: string;
}

/**
 * The text of a module that does what the last of `modules` does. It knows the forms of import and
 * export that the page's modules use: names of relative modules, one default, exported declarations.
 *
 * ```ts
 * import { linkedScript } from "./linked_script.ts";
 * import assert from "node:assert/strict";
 *
 * const script = linkedScript([
 *   { name: "lib/twice.js", text: "export function twice(n) { return 2 * n; }\n" },
 *   { name: "main.js", text: 'import { twice } from "./lib/twice.js";\nresult = twice(21);\n' },
 * ]);
 * assert.equal(new Function(`let result; ${script} return result;`)(), 42);
 * ```
 *
 * @param modules each after those that it imports.
 * @throws Error where one imports what is not there before it, or in another way.
 */
export function linkedScript(modules: readonly ScriptModule[]): string {
  const variables = new Map<string, string>();
  const parts = modules.map((module, index) => {
    const exports = module.variable === undefined
      ? linked(module, variables)
      : `${module.text.trim()}\nreturn { default: ${module.variable} };`;
    const variable = `$${index}`;
    variables.set(module.name, variable);
    return `// ${module.name}\nconst ${variable} = (() => {\n${exports}\n})();\n`;
  });
  return parts.join("");
}

/** The body of a function that returns what a module exports. */
function linked({ name, text }: ScriptModule, variables: ReadonlyMap<string, string>): string {
  const exported: string[] = [];
  const body = withoutComments(text)
    .replaceAll(IMPORT, (_, names: string, from: string) => {
      const variable = variables.get(from.startsWith(".") ? resolved(from, name) : from);
      if (variable === undefined) {
        throw new Error(`${name} imports ${from}, which is not before it`);
      }
      return `const ${pattern(names)} = ${variable};`;
    })
    .replaceAll(EXPORT, (_, declaration: string, own: string) => {
      exported.push(own);
      return `${declaration}${own}`;
    });
  const rest = /^(import|export)\b.*/m.exec(body);
  if (rest !== null) throw new Error(`${name} cannot be linked: ${rest[0]}`);
  return `${body.trim()}\nreturn { ${exported.join(", ")} };`;
}

const IMPORT = /^import ([^"';]+?) from "([^"]+)";$/gm;
const EXPORT = /^export ((?:async )?function\*? |class |const )([\w$]+)/gm;

/** Comments that have lines of their own; who reads a report's source finds them in aiotest's. */
function withoutComments(text: string): string {
  return text.replaceAll(/^[ \t]*(?:\/\*\*[^]*?\*\/|\/\/.*)\n/gm, "");
}

/** Names of an import as a pattern: `{ a as b }` is `{ a: b }`, and a default `{ default: name }`. */
function pattern(names: string): string {
  return names.startsWith("{")
    ? names.replaceAll(/\s+as\s+/g, ": ").replaceAll(/\s+/g, " ")
    : `{ default: ${names} }`;
}

/** A relative path of an import, seen from where the modules' names start. */
function resolved(from: string, importer: string): string {
  return new URL(from, `file:///${importer}`).pathname.slice(1);
}
