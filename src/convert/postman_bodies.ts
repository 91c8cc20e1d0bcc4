/**
 * The bodies of requests in Postman collections.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { asList, asObject, asText, isObject, type Json, kindOf } from "./document.ts";
import type { Body, JsonDraft, Part, Text } from "./draft.ts";
import type { PostmanVariables } from "./postman_variables.ts";

/** The body of a request; `null` if it has none. */
export interface PostmanBody {
  readonly body: Body | null;
  /** The content type that the request needs if its headers have none; `null`: the body implies it. */
  readonly contentType: string | null;
}

/** Reads bodies. */
export class PostmanBodies {
  readonly #variables: PostmanVariables;

  constructor(variables: PostmanVariables) {
    this.#variables = variables;
  }

  /**
   * @param headers of the request, with names in lower case.
   * @throws UsageError if the mode of the body is not known.
   */
  read(body: unknown, headers: readonly (readonly [string, Text])[]): PostmanBody {
    const none = { body: null, contentType: null };
    const { mode, disabled, options } = asObject(body);
    if (disabled === true || mode === undefined) return none;
    const content = asObject(body)[asText(mode)];
    switch (mode) {
      case "raw": {
        const text = asText(content);
        if (text === "") return none;
        const language = asText(asObject(asObject(options).raw).language);
        const header = headers.find(([name]) => name === "content-type")?.[1];
        const type = typeof header === "string" ? header : "";
        const isJson = /\bjson\b/i.test(type) || language === "json" ||
          (type === "" && language === "" && /^\s*[{[]/.test(text));
        const value = isJson ? this.#variables.json(text) : undefined;
        if (value !== undefined) return { body: { kind: "json", value }, contentType: null };
        const implied = isJson ? "application/json" : LANGUAGES.get(language) ?? "text/plain";
        return { body: { kind: "text", text: this.#variables.text(text) }, contentType: implied };
      }
      case "urlencoded": {
        const fields = typeof content === "string"
          ? [...new URLSearchParams(content)].map(([key, value]) => ({ key, value }))
          : asList(content).map(asObject);
        return {
          body: {
            kind: "form",
            fields: fields.filter((field) =>
              asObject(field).disabled !== true && asText(field.key) !== ""
            )
              .map((
                { key, value },
              ): [string, Text] => [asText(key), this.#variables.text(String(value ?? ""))]),
          },
          contentType: null,
        };
      }
      case "formdata":
        return {
          body: {
            kind: "multipart",
            parts: asList(content).map(asObject).filter(({ disabled, key }) =>
              disabled !== true && asText(key) !== ""
            )
              .flatMap((field) => this.#parts(field)),
          },
          contentType: null,
        };
      case "file": {
        const source = asText(asObject(content).src) || asText(content);
        this.#variables.notes.add(
          `Put the content of ${
            source === "" ? "the file" : source
          } in place of "content of …" below.`,
        );
        return {
          body: { kind: "text", text: `content of ${baseName(source)}` },
          contentType: "application/octet-stream",
        };
      }
      case "graphql": {
        const { query, variables, operationName } = asObject(content);
        const text = asText(variables);
        const parsed = isObject(variables)
          ? variables as { [name: string]: JsonDraft }
          : text.trim() === ""
          ? {}
          : this.#variables.json(text);
        if (parsed === undefined) {
          throw new UsageError("body: the variables of GraphQL are no JSON");
        }
        return {
          body: {
            kind: "json",
            value: {
              ...asText(operationName) === "" ? {} : { operationName: asText(operationName) },
              query: this.#variables.text(asText(query)),
              variables: parsed,
            },
          },
          contentType: null,
        };
      }
      default:
        throw new UsageError(
          `body: mode: expected raw, urlencoded, formdata, file or graphql, but it is ${
            typeof mode === "string" ? JSON.stringify(mode) : kindOf(mode)
          }`,
        );
    }
  }

  #parts({ key, value, type, src, contentType }: Json): Part[] {
    const name = asText(key);
    if (type !== "file") return [{ name, value: this.#variables.text(String(value ?? "")) }];
    const sources = typeof src === "string" ? [src] : asList(src).map(String);
    return (sources.length === 0 ? [""] : sources).map((source): Part => {
      const file = baseName(source);
      this.#variables.notes.add(`Put the content of ${file} in place of "content of …" below.`);
      return { name, value: `content of ${file}`, file: { name: file, type: asText(contentType) } };
    });
  }
}

/** Content types of what Postman calls a language. */
const LANGUAGES: ReadonlyMap<string, string> = new Map([
  ["xml", "application/xml"],
  ["html", "text/html"],
  ["javascript", "application/javascript"],
]);

/** Whether a body implies a header. */
export function isImplied(name: string, value: Text, body: Body | null): boolean {
  if (name !== "content-type" || body === null || typeof value !== "string") return false;
  const type = value.split(";")[0]!.trim().toLowerCase();
  return (body.kind === "json" && type === "application/json") ||
    (body.kind === "form" && type === "application/x-www-form-urlencoded") ||
    body.kind === "multipart";
}

function baseName(path: string): string {
  return path.split(/[/\\]/).filter((part) => part !== "").at(-1) ?? "file";
}
