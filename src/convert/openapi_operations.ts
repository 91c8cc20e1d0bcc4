/**
 * The operations of an OpenAPI document.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import {
  asList,
  asObject,
  asText,
  isObject,
  type Json,
  kindOf,
  type References,
  within,
} from "./document.ts";

/** A method of a path. */
export interface Operation {
  /** In capital letters. */
  readonly method: string;
  /** As in the document, such as `/orders/{orderId}`. */
  readonly path: string;
  /** Method and path, for messages and comments. */
  readonly where: string;
  readonly operationId: string;
  readonly summary: string;
  readonly isDeprecated: boolean;
  readonly parameters: readonly Parameter[];
  /** The content of its body, in the order of preference. */
  readonly bodies: readonly MediaType[];
  readonly isBodyRequired: boolean;
  /** Documented statuses of success, in ascending order. */
  readonly statuses: readonly number[];
  /** The schema of the JSON of a success; `undefined` if there is none. */
  readonly result: unknown;
  readonly links: readonly Link[];
  /** The schemes of each alternative. */
  readonly security: readonly (readonly string[])[];
  /** The servers that only this operation has; empty: those of the document. */
  readonly servers: readonly unknown[];
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly isRequired: boolean;
  readonly schema: unknown;
  /** The value that the document gives; `undefined` if there is none. */
  readonly example: unknown;
  readonly description: string;
  readonly style: string;
  readonly explode: boolean;
  /** Its value is JSON as a text. */
  readonly isJson: boolean;
}

/** A content type with its schema. */
export interface MediaType {
  /** In lower case, without parameters. */
  readonly type: string;
  readonly schema: unknown;
  /** The value that the document gives; `undefined` if there is none. */
  readonly example: unknown;
  /** How the fields of a form are encoded. */
  readonly encoding: Json;
}

/** Says that the result of an operation is a parameter of another. */
export interface Link {
  /** The `operationId`, or the reference to an operation. */
  readonly operation: string;
  readonly parameter: string;
  /** Where the value is in the body of the response. */
  readonly path: readonly (string | number)[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/**
 * All operations, in the order of the document.
 *
 * @throws UsageError that names the operation and what is wrong with it.
 */
export function readOperations(root: Json, references: References): Operation[] {
  const { paths = {} } = root;
  if (!isObject(paths)) {
    throw new UsageError(`paths: expected an object, but it is ${kindOf(paths)}`);
  }
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(paths)) {
    if (path.startsWith("x-")) continue;
    if (!path.startsWith("/")) {
      throw new UsageError(`path ${path}: expected it to start with a slash`);
    }
    const reader = new Reader(root, references, path);
    operations.push(...reader.operations(item));
  }
  return operations;
}

class Reader {
  readonly #root: Json;
  readonly #references: References;
  readonly #path: string;

  constructor(root: Json, references: References, path: string) {
    this.#root = root;
    this.#references = references;
    this.#path = path;
  }

  operations(pathItem: unknown): Operation[] {
    const item = within(`path ${this.#path}`, () => this.#object(pathItem, "the path item"));
    return METHODS.filter((method) => item[method] !== undefined).map((method) => {
      const where = `${method.toUpperCase()} ${this.#path}`;
      return within(where, () => this.#operation(method, where, item));
    });
  }

  #operation(method: string, where: string, item: Json): Operation {
    const operation = this.#object(item[method], "the operation");
    const responses = this.#optional(operation.responses, "responses");
    const success = Object.keys(responses).filter((status) => /^2(\d\d|XX)$/i.test(status)).sort();
    const redirects = Object.keys(responses).filter((status) => /^3\d\d$/.test(status)).sort();
    const expected = success.length > 0 ? success : redirects;
    const body = this.#optional(operation.requestBody, "requestBody");
    const best = this.#optional(responses[success[0] ?? "default"], "responses");
    const results = this.#mediaTypes(best.content, "responses");
    return {
      method: method.toUpperCase(),
      path: this.#path,
      where,
      operationId: asText(operation.operationId),
      summary: asText(operation.summary) || asText(item.summary),
      isDeprecated: operation.deprecated === true,
      parameters: this.#parameters(item.parameters, operation.parameters),
      bodies: this.#mediaTypes(body.content, "requestBody"),
      isBodyRequired: body.required === true,
      statuses: expected.filter((status) => /^\d+$/.test(status)).map(Number),
      result: results.find(({ type }) => isJsonType(type))?.schema,
      links: this.#links(best.links),
      security: this.#security(operation.security ?? this.#root.security),
      servers: asList(operation.servers ?? item.servers),
    };
  }

  #parameters(shared: unknown, own: unknown): Parameter[] {
    const all = new Map<string, Parameter>();
    for (const list of [shared, own]) {
      if (list === undefined || list === null) continue;
      if (!Array.isArray(list)) {
        throw new UsageError(`parameters: expected a list, but it is ${kindOf(list)}`);
      }
      for (const [index, one] of list.entries()) {
        const parameter = this.#parameter(this.#object(one, `parameter ${index + 1}`), index);
        // Names of headers are written in any case.
        const key = parameter.in === "header" ? parameter.name.toLowerCase() : parameter.name;
        all.set(`${parameter.in} ${key}`, parameter);
      }
    }
    const inPath = new Set(templateNames(this.#path));
    const known = new Set(
      [...all.values()].filter((one) => one.in === "path").map(({ name }) => name),
    );
    const undeclared = [...inPath].filter((name) => !known.has(name));
    return [
      ...[...all.values()].filter((one) => one.in !== "path" || inPath.has(one.name)),
      ...undeclared.map((name) => this.#parameter({ name, in: "path", required: true }, 0)),
    ];
  }

  #parameter(parameter: Json, index: number): Parameter {
    const { name, in: place, style, explode } = parameter;
    if (typeof name !== "string" || name === "") {
      throw new UsageError(`parameter ${index + 1}: expected a name, but it is ${kindOf(name)}`);
    }
    if (place !== "path" && place !== "query" && place !== "header" && place !== "cookie") {
      const found = place === "body" || place === "formData"
        ? `"${place}", which is of Swagger 2.0`
        : typeof place === "string"
        ? `"${place}"`
        : kindOf(place);
      throw new UsageError(
        `parameter "${name}": in: expected path, query, header or cookie, but it is ${found}`,
      );
    }
    const content = this.#mediaTypes(parameter.content, `parameter "${name}"`)[0];
    const chosen = asText(style) || (place === "query" || place === "cookie" ? "form" : "simple");
    return {
      name,
      in: place,
      isRequired: parameter.required === true || place === "path",
      schema: content?.schema ?? parameter.schema ?? {},
      example: this.#example(parameter) ?? content?.example,
      description: asText(parameter.description),
      style: chosen,
      explode: typeof explode === "boolean" ? explode : chosen === "form",
      isJson: content !== undefined && isJsonType(content.type),
    };
  }

  #mediaTypes(content: unknown, what: string): MediaType[] {
    const types = Object.entries(this.#optional(content, `${what}: content`)).map(
      ([type, media]) => {
        const own = this.#optional(media, `${what}: content: ${type}`);
        return {
          type: type.split(";")[0]!.trim().toLowerCase(),
          schema: own.schema,
          example: this.#example(own),
          encoding: asObject(own.encoding),
        };
      },
    );
    const rank = ({ type }: MediaType): number => {
      const at = PREFERRED.findIndex((preferred) => preferred.test(type));
      return at < 0 ? PREFERRED.length : at;
    };
    return types.sort((one, other) => rank(one) - rank(other));
  }

  #example(part: Json): unknown {
    if (part.example !== undefined) return part.example;
    for (const example of Object.values(asObject(part.examples))) {
      const { value } = asObject(this.#references.resolve(example));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #links(links: unknown): Link[] {
    return Object.values(asObject(links)).flatMap((one) => {
      const { operationId, operationRef, parameters } = asObject(this.#references.resolve(one));
      const operation = asText(operationId) || asText(operationRef);
      return Object.entries(asObject(parameters)).flatMap(([name, from]): Link[] => {
        const pointer = /^\$response\.body#(\/.+)$/.exec(asText(from))?.[1];
        if (pointer === undefined || operation === "") return [];
        return [{
          operation,
          parameter: name.replace(/^path\./, ""),
          path: pointer.split("/").slice(1).map((part) => {
            const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
            return /^\d+$/.test(key) ? Number(key) : key;
          }),
        }];
      });
    });
  }

  #security(security: unknown): string[][] {
    if (security === undefined || security === null) return [];
    if (!Array.isArray(security)) {
      throw new UsageError(`security: expected a list, but it is ${kindOf(security)}`);
    }
    return security.map((one) => Object.keys(asObject(one)));
  }

  #object(value: unknown, what: string): Json {
    const found = within(what, () => this.#references.resolve(value));
    if (isObject(found)) return found;
    throw new UsageError(`${what}: expected an object, but it is ${kindOf(found)}`);
  }

  #optional(value: unknown, what: string): Json {
    return value === undefined || value === null ? {} : this.#object(value, what);
  }
}

/** The first that a body has is sent. */
const PREFERRED = [
  /^application\/json$/,
  /^application\/x-www-form-urlencoded$/,
  /^multipart\/form-data$/,
  /[/+]json$/,
  /^(\*|application)\/\*$/,
  /^text\/plain$/,
];

/** Whether bodies of a content type are JSON. */
export function isJsonType(type: string): boolean {
  return /[/+]json$/.test(type) || type === "*/*" || type === "application/*";
}

/** The names of the parameters in a path. */
function templateNames(path: string): string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name!);
}
