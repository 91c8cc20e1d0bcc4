/**
 * The variables of Postman collections, and the texts that contain them.
 *
 * @module
 */

import { parseJson } from "./bodies.ts";
import { joined, partsOf } from "./call_texts.ts";
import { camelCase, constantCase, isName, uniqueName } from "./code.ts";
import { asList, asObject, asText, isObject } from "./document.ts";
import {
  type Constant,
  type JsonDraft,
  type Reference,
  type Secret,
  type Text,
  valueOf,
} from "./draft.ts";
import { dynamicValue } from "./postman_dynamic.ts";
import type { Script } from "./postman_scripts.ts";
import { isSecret } from "./secrets.ts";

/** A variable of the collection or the environment. */
interface Variable {
  readonly value: string;
  readonly isSecret: boolean;
}

/** What variables stand for: constants, secrets, fields that scripts set, and code. */
export class PostmanVariables {
  /** Names of the whole file. */
  readonly names = new Set<string>();
  readonly secrets = new Map<string, Secret>();
  readonly constants = new Map<string, Constant>();
  /** What the reader of the test file should know. */
  readonly notes = new Set<string>();
  readonly #variables = new Map<string, Variable>();
  /** Fields, by the names of the variables that scripts take from responses. */
  readonly #fields = new Map<string, string>();
  /** What scripts compute. */
  readonly #computed = new Map<string, Reference>();

  /** Adds variables, which come before those of the same names that are known. */
  add(list: unknown): void {
    for (const one of asList(list)) {
      const { key, id, value, type, enabled, disabled } = asObject(one);
      const name = asText(key) || asText(id);
      if (name === "" || enabled === false || disabled === true) continue;
      const text = typeof value === "object" ? JSON.stringify(value ?? "") : String(value ?? "");
      this.#variables.set(name, {
        value: text,
        isSecret: type === "secret" || isSecretVariable(name, text),
      });
    }
  }

  /** Variables that a script sets get a field of the user. */
  declare(script: Script): void {
    for (const { variable, value } of script.sets) {
      if (value.kind === "place") {
        if (this.#fields.has(variable)) continue;
        const name = camelCase(variable, "value");
        this.#fields.set(variable, uniqueName(isName(name) ? name : "value", this.names));
      } else if (value.kind === "code") {
        const { code, type } = value;
        this.#computed.set(variable, {
          kind: "code",
          name: camelCase(variable, "value"),
          code,
          type,
        });
      } else if (!this.#variables.has(variable)) {
        const isHidden = isSecretVariable(variable, value.text);
        this.#variables.set(variable, { value: value.text, isSecret: isHidden });
      }
    }
  }

  /** The field of a variable that a script sets from a response. */
  fieldOf(variable: string): string {
    return this.#fields.get(variable)!;
  }

  /** A text with the variables in it. */
  text(text: string, around: readonly string[] = []): Text {
    const parts: (string | Reference)[] = [];
    for (const [index, piece] of text.split(VARIABLE).entries()) {
      if (index % 2 === 0) parts.push(piece);
      else parts.push(...partsOf(this.#variable(piece.trim(), around)));
    }
    return joined(parts);
  }

  /** What a variable stands for. */
  #variable(name: string, around: readonly string[] = []): Text {
    const field = this.#fields.get(name);
    if (field !== undefined) return valueOf({ kind: "variable", name: field });
    const computed = this.#computed.get(name);
    if (computed !== undefined) return valueOf(computed);
    const dynamic = dynamicValue(name);
    if (dynamic !== null) {
      if (dynamic.isMadeUp) {
        this.notes.add(`{{${name}}} is a text with a random number here.`);
      }
      return valueOf(dynamic.reference);
    }
    const known = this.#variables.get(name);
    // The value of a variable may consist of others.
    if (known !== undefined && known.value.includes("{{") && canExpand(name, around)) {
      return this.text(known.value, [...around, name]);
    }
    if (known?.isSecret === true || (known === undefined && isSecretVariable(name, ""))) {
      return valueOf({ kind: "secret", name: this.secret(name) });
    }
    return valueOf({ kind: "constant", name: this.constant(name, known?.value ?? "") });
  }

  /** The name of the secret of a variable. */
  secret(variable: string): string {
    const known = this.secrets.get(variable);
    if (known !== undefined) return known.name;
    const name = uniqueName(constantCase(variable, "SECRET"), this.names);
    this.secrets.set(variable, { name, meaning: `variable {{${variable}}} of the collection` });
    return name;
  }

  /** The name of the constant of a variable. */
  constant(variable: string, value: string): string {
    const known = this.constants.get(variable);
    if (known !== undefined) return known.name;
    const name = uniqueName(constantCase(variable, "VALUE"), this.names);
    const comment = value === ""
      ? `{{${variable}}} has no value in the collection: set it here.`
      : `{{${variable}}}`;
    this.constants.set(variable, { name, value, comment });
    return name;
  }

  /** A text in which variables are replaced by their values, as far as these are known. */
  plain(text: string, around: readonly string[] = []): string {
    return text.replaceAll(VARIABLE, (all, inner) => {
      const name = inner.trim();
      const known = this.#variables.get(name);
      if (known === undefined || known.isSecret || !canExpand(name, around)) return all;
      return this.plain(known.value, [...around, name]);
    });
  }

  /** JSON in which variables may stand for any value; `undefined` if a text is none. */
  json(text: string): JsonDraft | undefined {
    const { text: prepared, bare } = withMarkedVariables(withoutComments(text));
    const value = parseJson(prepared);
    if (value === undefined) return undefined;
    const convert = (part: unknown): JsonDraft => {
      if (typeof part === "string") {
        const name = bare.get(part);
        if (name !== undefined) return this.#bareValue(name);
        const own = this.text(part);
        return inQuotes(own);
      }
      if (Array.isArray(part)) return part.map(convert);
      if (isObject(part)) {
        return Object.fromEntries(
          Object.entries(part).map(([name, member]) => [this.plain(name), convert(member)]),
        );
      }
      return part as JsonDraft;
    };
    return convert(value);
  }

  /** A variable without quotes in JSON: its value is JSON. */
  #bareValue(name: string): JsonDraft {
    const known = this.#variables.get(name);
    if (
      known !== undefined && !known.isSecret && !this.#fields.has(name) && !this.#computed.has(name)
    ) {
      const inner = known.value.includes("{{") ? this.json(known.value) : undefined;
      if (inner !== undefined) return inner;
      const value = parseJson(known.value);
      if (typeof value === "object") return value;
      if (value !== undefined && typeof value !== "string") {
        const constant = this.constant(name, known.value);
        const code = typeof value === "number" ? `Number(${constant})` : `${constant} === "true"`;
        return valueOf({
          kind: "code",
          name: camelCase(name, "value"),
          code,
          type: typeof value === "number" ? "number" : "boolean",
        });
      }
    }
    // A text, for which the quotes were forgotten, or a value that is not known yet.
    return this.#variable(name);
  }

  /** A value of an authorization that is a secret, also if the name of its variable does not say so. */
  secretText(value: string, name: string): Text {
    if (value === "") return valueOf({ kind: "secret", name: this.secret(name) });
    const variable = /^\{\{([^{}]+)\}\}$/.exec(value.trim())?.[1]?.trim();
    const isOther = variable === undefined || this.#fields.has(variable) ||
      this.#computed.has(variable) || dynamicValue(variable) !== null ||
      this.#variables.get(variable)?.value.includes("{{") === true;
    return isOther ? this.text(value) : valueOf({ kind: "secret", name: this.secret(variable) });
  }
}

/** Values of variables within values: more would be a mistake, and could fill the memory. */
const MAX_VARIABLES = 4;

/** Whether the value of a variable can be inserted in those around it: not in its own. */
function canExpand(name: string, around: readonly string[]): boolean {
  return around.length < MAX_VARIABLES && !around.includes(name);
}

const VARIABLE = /\{\{([^{}]+)\}\}/g;

/** A variable without a value is one by its name. */
function isSecretVariable(name: string, value: string): boolean {
  return isSecret(value === "" ? "unknown" : value, { kind: "json", name });
}

/** A text of JSON: a value in quotes is a string, whatever the variable holds. */
function inQuotes(text: Text): Text {
  if (typeof text === "string" || text.parts.length !== 1) return text;
  const [only] = text.parts;
  if (typeof only !== "object") return text;
  if (only.kind === "variable") return valueOf({ ...only, asString: true });
  if (only.kind !== "code" || only.type === "string") return text;
  return valueOf({ ...only, code: `String(${only.code})`, type: "string" });
}

/** JSON without the comments that Postman allows in it. */
function withoutComments(text: string): string {
  return text.replaceAll(
    /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (part) => part.startsWith('"') ? part : "",
  );
}

/** JSON in which variables without quotes are strings. */
function withMarkedVariables(text: string): { text: string; bare: Map<string, string> } {
  const bare = new Map<string, string>();
  const marked = text.replaceAll(/"(?:\\.|[^"\\])*"|\{\{([^{}]+)\}\}/g, (part, name) => {
    if (name === undefined) return part;
    const mark = `\u{e000}${bare.size}`;
    bare.set(mark, name.trim());
    return JSON.stringify(mark);
  });
  return { text: marked, bare };
}
