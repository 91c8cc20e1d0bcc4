/**
 * Reads OpenAPI documents: a test for each operation, in an order in which they can succeed.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { listed } from "../core/text.ts";
import { splitOnce } from "./bodies.ts";
import { joined } from "./call_texts.ts";
import { camelCase, constantCase, pascalCase, uniqueName } from "./code.ts";
import {
  asList,
  asObject,
  asText,
  documentName,
  isObject,
  type Json,
  kindOf,
  readDocument,
  References,
  within,
} from "./document.ts";
import {
  type Body,
  type Call,
  type Constant,
  type Draft,
  type DraftTest,
  type JsonDraft,
  type Part,
  type Reference,
  type Save,
  type Secret,
  Template,
  type Text,
  valueOf,
} from "./draft.ts";
import { className } from "./names.ts";
import {
  cookieText,
  ENCODED,
  encodedParts,
  encodedPath,
  givesValue,
  isIdName,
  isPlainId,
  isSafe,
  memberNames,
  queryPairs,
  textOf,
} from "./openapi_parameters.ts";
import { isSupported, kindOfScheme, NO_SERVER, type Server, serverOf } from "./openapi_servers.ts";
import {
  isJsonType,
  type MediaType,
  type Operation,
  type Parameter,
  readOperations,
} from "./openapi_operations.ts";
import {
  collectionOf,
  inOrder,
  normal,
  type Provided,
  Providers,
  variableText,
} from "./openapi_order.ts";
import { SchemaValues } from "./schema_values.ts";

/**
 * Reads the document in a file, and the files beside it to which it refers.
 *
 * @throws UsageError if it cannot be read, is no OpenAPI 3 document, or has an error. It names the operation.
 */
export async function readOpenApi(host: Host, path: string): Promise<Draft> {
  const root = await readDocument(host, OPTION, path);
  checkVersion(root, path);
  const what = `${OPTION} ${path}`;
  const references = await References.load(host, OPTION, path, root);
  return within(what, () => new OpenApiReader(root, references, path).draft());
}

const OPTION = "--openapi";

function checkVersion(root: Json, path: string): void {
  const what = `${OPTION} ${path}`;
  if (root.swagger !== undefined) {
    throw new UsageError(
      `${what}: this is a document of Swagger ${String(root.swagger)}, expected OpenAPI 3.0 or 3.1`,
      `Convert it first: npx swagger2openapi ${path} -o openapi.json`,
    );
  }
  if (typeof root.openapi !== "object" && /^3(\.\d+)*$/.test(String(root.openapi))) return;
  if (root.openapi !== undefined) {
    const found = typeof root.openapi === "object" ? kindOf(root.openapi) : String(root.openapi);
    throw new UsageError(`${what}: openapi: expected version 3.0 or 3.1, but it is ${found}`);
  }
  const other = isObject(root.log)
    ? "It looks like a HAR file: use --har."
    : isObject(root.info) && Array.isArray(root.item)
    ? "It looks like a Postman collection: use --postman."
    : "An OpenAPI document has a line like openapi: 3.1.0";
  throw new UsageError(`${what}: this is no OpenAPI document: it has no version`, other);
}

/** What provides the parameter of a path. */
type Source =
  | { readonly kind: "saved"; readonly save: Save; readonly provided: Provided }
  | { readonly kind: "constant"; readonly name: string }
  | { readonly kind: "value"; readonly value: unknown };

class OpenApiReader {
  readonly #root: Json;
  readonly #path: string;
  readonly #references: References;
  readonly #values: SchemaValues;
  readonly #operations: readonly Operation[];
  readonly #deprecated: readonly Operation[];
  readonly #providers: Providers;
  readonly #server: Server;
  /** Names of the whole file. */
  readonly #names = new Set<string>();
  readonly #secrets = new Map<string, Secret>();
  readonly #constants = new Map<string, Constant>();
  readonly #saves = new Map<Operation, Save[]>();
  readonly #sources = new Map<string, Source>();
  readonly #notes = new Set<string>();
  /** The position of each operation among the tests. */
  readonly #order = new Map<Operation, number>();

  constructor(root: Json, references: References, path: string) {
    this.#root = root;
    this.#path = path;
    this.#references = references;
    this.#values = new SchemaValues(references);
    const all = readOperations(root, references);
    this.#operations = all.filter(({ isDeprecated }) => !isDeprecated);
    this.#deprecated = all.filter(({ isDeprecated }) => isDeprecated);
    this.#providers = new Providers(this.#operations, this.#values);
    this.#server = serverOf(asList(root.servers)) ?? NO_SERVER;
  }

  draft(): Draft {
    if (this.#operations.length === 0) {
      throw new UsageError(
        this.#deprecated.length > 0
          ? "all of its operations are deprecated"
          : "it has no operations: paths is empty or missing",
      );
    }
    // All that is saved must be known before bodies can use it.
    for (const operation of this.#operations) this.#sourcesOf(operation);
    inOrder(this.#operations, (operation) => this.#needed(operation))
      .forEach((operation, index) => this.#order.set(operation, index));
    const ordered = [...this.#order.keys()];
    // The names of methods come first: they are those of the document.
    const methodNames = new Set<string>();
    const tests = ordered.map((operation) =>
      within(operation.where, () => ({
        name: uniqueName(methodName(operation), methodNames),
        comment: operation.summary === "" ? undefined : firstSentence(operation.summary),
        operation,
        call: this.#call(operation),
      }))
    );
    const { title: anyTitle, version } = asObject(this.#root.info);
    const title = asText(anyTitle).trim();
    const name = [title, asText(version)].filter((word) => word !== "").join(" ");
    return {
      source: `Made by aiotest init from ${documentName(this.#path)}${
        name === "" ? "" : `: ${name}`
      }.`,
      notes: this.#allNotes(),
      secrets: [...this.#secrets.values()],
      constants: [...this.#constants.values()],
      classes: [{
        name: className(title),
        host: this.#server.origin,
        newVisitor: false,
        // Only now, all that is saved is known.
        tests: tests.map(({ name, comment, operation, call }): DraftTest => ({
          name,
          ...comment === undefined ? {} : { comment },
          steps: [{ kind: "call", call: { ...call, saves: this.#saves.get(operation) ?? [] } }],
        })),
      }],
    };
  }

  #allNotes(): string[] {
    const others = asList(this.#root.servers).map((server) => serverOf([server])?.url ?? "/")
      .filter((url) => url !== this.#server.url && !url.startsWith("/"));
    return [
      ...this.#server === NO_SERVER
        ? ["The document names no server. Set the host, or run the test with -H."]
        : [],
      ...others.length > 0 ? [`Other servers of the document: ${listed(others)}.`] : [],
      ...this.#constants.size > 0
        ? [`No operation returns ${listed([...this.#constants.keys()])}: set them to what exists.`]
        : [],
      ...this.#deprecated.length > 0
        ? [
          `Left out, because they are deprecated: ${
            listed(this.#deprecated.map(({ where }) => where))
          }.`,
        ]
        : [],
      ...this.#notes,
    ];
  }

  /** What provides the identifiers in the path and the query of an operation. */
  #sourcesOf(operation: Operation): Source[] {
    return within(operation.where, () =>
      operation.parameters.flatMap((parameter) => {
        if (parameter.in === "path") return [this.#source(operation, parameter.name)];
        return this.#querySource(operation, parameter) ?? [];
      }));
  }

  /** The operations that return what an operation needs. */
  #needed(operation: Operation): Operation[] {
    const needed = this.#sourcesOf(operation).flatMap((source) =>
      source.kind === "saved" ? [source.provided.operation] : []
    );
    const [media] = operation.bodies;
    const names = media === undefined
      ? []
      : within(operation.where, () => memberNames(this.#mediaValue(media)));
    const saved = [...this.#sources.values()].filter((source) => source.kind === "saved");
    return [
      ...needed,
      ...saved.filter(({ save }) => names.includes(normal(save.variable)))
        .map(({ provided }) => provided.operation),
    ];
  }

  #call(operation: Operation): Omit<Call, "saves"> {
    const { method, path, parameters, statuses } = operation;
    const server = serverOf(operation.servers) ?? this.#server;
    const sent = parameters.filter(({ isRequired }) => isRequired);
    const [template, ownQuery] = splitOnce(path, "?");
    const security = this.#securityOf(operation);
    const cookies = [
      ...sent.filter((one) => one.in === "cookie").map((one): [string, Text] => [
        one.name,
        textOf(this.#valueOf(operation, one)),
      ]),
      ...security.cookies,
    ];
    const headers = sent
      .filter((one) => one.in === "header" && !NOT_PARAMETERS.includes(one.name.toLowerCase()))
      .map((one): [string, Text] => [
        one.name.toLowerCase(),
        this.#joined(this.#valueOf(operation, one), ","),
      ]);
    const body = this.#body(operation);
    const isRedirect = statuses.length > 0 && statuses.every((status) => status >= 300);
    const known = new Set(headers.map(([name]) => name));
    return {
      method,
      url: {
        origin: server.origin,
        path: this.#pathText(operation, server.base, template),
        query: [
          ...[...new URLSearchParams(ownQuery ?? "")],
          ...sent.filter((one) => one.in === "query").flatMap((one) =>
            queryPairs(one, this.#valueOf(operation, one))
          ),
          ...security.query,
        ],
      },
      name: server.base + template.replaceAll(/\{([^{}]+)\}/g, ":$1"),
      headers: [
        ...headers,
        ...security.headers.filter(([name]) => !known.has(name)),
        ...cookies.length === 0 ? [] : [["cookie", cookieText(cookies)] as const],
        ...body.contentType === null ? [] : [["content-type", body.contentType] as const],
      ],
      ...body.body === null ? {} : { body: body.body },
      ...security.auth === null ? {} : { auth: security.auth },
      ...isRedirect ? { keepsRedirect: true } : {},
      checks: statuses.length > 0 ? [{ kind: "status", statuses }] : [],
    };
  }

  #pathText(operation: Operation, base: string, template: string): Text {
    const parts: (string | Reference)[] = [base];
    for (const [index, piece] of template.split(/\{([^{}]+)\}/).entries()) {
      if (index % 2 === 0) {
        parts.push(encodedPath(piece));
        continue;
      }
      const parameter = operation.parameters.find((one) =>
        one.in === "path" && one.name === piece
      )!;
      const value = this.#pathValue(operation, parameter);
      const before = parameter.style === "label"
        ? "."
        : parameter.style === "matrix"
        ? `;${piece}=`
        : "";
      parts.push(before, ...encodedParts(value));
    }
    return joined(parts);
  }

  #pathValue(operation: Operation, parameter: Parameter): Text {
    const source = this.#source(operation, parameter.name);
    switch (source.kind) {
      case "saved":
        return valueOf({
          kind: "variable",
          name: source.save.variable,
          ...isPlainId(source.save.example, parameter.name) ? {} : ENCODED,
        });
      case "constant":
        return valueOf({
          kind: "constant",
          name: source.name,
          ...isSafe(this.#constants.get(source.name)!.value) ? {} : ENCODED,
        });
      case "value":
        return this.#joined(source.value as JsonDraft, ",");
    }
  }

  /** What provides a parameter of a path; the same for all operations below the same collection. */
  #source(operation: Operation, name: string): Source {
    const parameter = operation.parameters.find((one) => one.in === "path" && one.name === name)!;
    const collection = collectionOf(operation.path, name).replaceAll(/\{[^{}]*\}/g, "{}");
    const provided = this.#providers.ofPath(operation, name);
    const key = provided === null ? `${collection} ${normal(name)}` : providedKey(provided);
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const source = provided === null
      ? this.#withoutProvider(operation, parameter)
      : this.#saved(operation.path, name, provided);
    this.#sources.set(key, source);
    return source;
  }

  #saved(path: string, name: string, provided: Provided): Source {
    const text = variableText(path, name);
    const example = this.#values.valueOf(provided.schema, text);
    const save: Save = {
      variable: uniqueName(camelCase(text, "value"), this.#names),
      example: typeof example === "number" || typeof example === "boolean"
        ? example
        : String(example),
      from: { kind: "json", path: provided.path },
    };
    const saves = this.#saves.get(provided.operation) ?? [];
    this.#saves.set(provided.operation, [...saves, save]);
    return { kind: "saved", save, provided };
  }

  #withoutProvider(operation: Operation, parameter: Parameter): Source {
    const { name } = parameter;
    const flat = this.#values.flat(parameter.schema);
    const value = this.#given(parameter);
    if (flat.enum !== undefined || flat.const !== undefined || flat.type === "boolean") {
      return { kind: "value", value };
    }
    // What a body that creates an item calls it, such as its user name.
    const created = this.#createdName(operation, name);
    if (created !== undefined) return { kind: "value", value: created };
    return this.#constant(operation, parameter, variableText(operation.path, name));
  }

  #constant(operation: Operation, parameter: Parameter, text: string): Source {
    const value = this.#given(parameter);
    const { name, description } = parameter;
    const constant = uniqueName(constantCase(text, "ID"), this.#names);
    const shown = parameter.in === "path" ? `{${name}}` : `The parameter ${name}`;
    const meaning = description === "" ? "" : `: ${firstSentence(description)}`;
    this.#constants.set(constant, {
      name: constant,
      value: isObject(value) || Array.isArray(value)
        ? textOf(this.#joined(value as JsonDraft, ","))
        : value as JsonDraft,
      comment: `${shown} of ${operation.where}${meaning}`,
    });
    return { kind: "constant", name: constant };
  }

  /** The value of a parameter in the body that creates what it chooses; `undefined` if there is none. */
  #createdName(operation: Operation, name: string): unknown {
    const collection = collectionOf(operation.path, name);
    const creator = this.#operations.find(({ method, path, bodies }) =>
      method === "POST" && path.replace(/\/$/, "") === collection && bodies.length > 0
    );
    const media = creator?.bodies[0];
    if (media === undefined || !isJsonType(media.type)) return undefined;
    const body = this.#mediaValue(media);
    const value = isObject(body) && Object.hasOwn(body, name) ? body[name] : undefined;
    return ["string", "number"].includes(typeof value) ? value : undefined;
  }

  #given(parameter: Parameter): unknown {
    const { example, schema, name } = parameter;
    const isOpen = Object.keys(asObject(schema)).length === 0;
    return example ?? this.#values.valueOf(isOpen ? { type: "string" } : schema, name);
  }

  /** The value of a query, header or cookie parameter. */
  #valueOf(operation: Operation, parameter: Parameter): JsonDraft {
    const source = this.#querySource(operation, parameter);
    if (source?.kind === "constant") return valueOf({ kind: "constant", name: source.name });
    if (
      source?.kind === "saved" &&
      this.#order.get(source.provided.operation)! < this.#order.get(operation)!
    ) return valueOf({ kind: "variable", name: source.save.variable });
    const value = this.#given(parameter) as JsonDraft;
    return parameter.isJson ? JSON.stringify(value) : value;
  }

  /** What provides an identifier in a query; `null` if the parameter is none, or the document gives a value. */
  #querySource(operation: Operation, parameter: Parameter): Source | null {
    const { name, schema, example, isRequired } = parameter;
    if (parameter.in !== "query" || !isRequired || example !== undefined) return null;
    if (!isIdName(name) || givesValue(this.#values.flat(schema))) return null;
    const provided = this.#providers.byName(operation, name);
    const text = variableText(`${operation.path}/{${name}}`, name);
    const key = provided === null ? `query ${normal(text)}` : providedKey(provided);
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const source = provided === null
      ? this.#constant(operation, parameter, text)
      : this.#saved(operation.path, name, provided);
    this.#sources.set(key, source);
    return source;
  }

  #joined(value: JsonDraft, separator: string): Text {
    if (value instanceof Template) return value;
    if (Array.isArray(value)) return value.map((one) => String(one)).join(separator);
    if (isObject(value)) return Object.entries(value).flat().map(String).join(separator);
    return textOf(value);
  }

  #mediaValue({ example, schema }: MediaType): unknown {
    return example === undefined
      ? this.#values.valueOf(schema)
      : this.#values.writable(schema, example);
  }

  #body(operation: Operation): { body: Body | null; contentType: string | null } {
    const none = { body: null, contentType: null };
    const [media] = operation.bodies;
    const mayHave = !["GET", "HEAD", "DELETE", "TRACE"].includes(operation.method);
    if (media === undefined || (!mayHave && !operation.isBodyRequired)) return none;
    const { type } = media;
    if (isJsonType(type)) {
      const value = this.#linkedJson(operation, this.#mediaValue(media) as JsonDraft);
      const isUsual = type === "application/json" || type.includes("*");
      return { body: { kind: "json", value }, contentType: isUsual ? null : type };
    }
    if (type === "application/x-www-form-urlencoded") {
      return {
        body: { kind: "form", fields: this.#formFields(operation, media) },
        contentType: null,
      };
    }
    if (type === "multipart/form-data") {
      return {
        body: { kind: "multipart", parts: this.#parts(operation, media) },
        contentType: null,
      };
    }
    const value = this.#mediaValue({ ...media, schema: media.schema ?? { type: "string" } });
    const isText = typeof value === "string";
    if (!isText) {
      this.#notes.add(
        `${operation.where}: a body of ${type} is not made up: write one in place of the empty text.`,
      );
    }
    return { body: { kind: "text", text: isText ? value : "" }, contentType: type };
  }

  /** JSON in which values that an earlier operation returns are taken from there. */
  #linkedJson(operation: Operation, value: JsonDraft, name = "", depth = 0): JsonDraft {
    if (Array.isArray(value)) {
      return value.map((item) => this.#linkedJson(operation, item, name, depth + 1));
    }
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [
          key,
          this.#linkedJson(operation, member as JsonDraft, key, depth + 1),
        ]),
      );
    }
    const order = this.#order.get(operation)!;
    for (const source of this.#sources.values()) {
      if (source.kind !== "saved" || this.#order.get(source.provided.operation)! >= order) continue;
      const { save: { variable, example }, provided } = source;
      const isOwnId = depth === 1 && name === provided.path.at(-1) &&
        provided.operation.path === operation.path;
      if (typeof example !== typeof value || !(isOwnId || normal(variable) === normal(name))) {
        continue;
      }
      return valueOf({ kind: "variable", name: variable });
    }
    return value;
  }

  #formFields(operation: Operation, media: MediaType): [string, Text][] {
    const value = this.#linkedJson(operation, this.#mediaValue(media) as JsonDraft);
    return Object.entries(asObject(value)).flatMap(([name, field]) => {
      const { style, explode } = asObject(media.encoding[name]);
      return queryPairs({
        name,
        style: asText(style) || "form",
        explode: explode !== false,
      }, field as JsonDraft);
    });
  }

  #parts(operation: Operation, media: MediaType): Part[] {
    const value = this.#linkedJson(operation, this.#mediaValue(media) as JsonDraft);
    const properties = asObject(this.#values.flat(media.schema).properties);
    const missing = Object.keys(properties).filter((name) =>
      !Object.hasOwn(asObject(value), name) && this.#isFile(properties[name])
    );
    const entries: [string, JsonDraft][] = [
      ...Object.entries(asObject(value)) as [string, JsonDraft][],
      // A form that can have a file is meant to have one.
      ...missing.map((name): [string, JsonDraft] => [name, ""]),
    ];
    return entries.flatMap(([name, field]): Part[] => {
      const own = this.#values.flat(properties[name]);
      const type = asText(asObject(media.encoding[name]).contentType).split(",")[0]!.trim();
      if (this.#isFile(properties[name])) {
        const file = { name: `${name}.bin`, type: type.includes("*") ? "" : type };
        return [{ name, value: `content of ${name}`, file }];
      }
      if (Array.isArray(field) && !isObject(field[0]) && own.type === "array") {
        return field.map((item) => ({ name, value: textOf(item) }));
      }
      return [{ name, value: textOf(field) }];
    });
  }

  #isFile(schema: unknown): boolean {
    const flat = this.#values.flat(schema);
    const item = flat.items === undefined ? flat : this.#values.flat(flat.items);
    return item.format === "binary" ||
      (item.contentMediaType !== undefined && item.contentEncoding === undefined);
  }

  #securityOf(operation: Operation): Security {
    const all = operation.security.filter((names) => names.length > 0);
    const schemes = asObject(
      this.#references.resolve(asObject(this.#root.components).securitySchemes),
    );
    const alternatives = all.map((names) =>
      names.map((name) => ({
        name,
        scheme: Object.hasOwn(schemes, name)
          ? asObject(this.#references.resolve(schemes[name]))
          : {},
      }))
    );
    const [chosen = []] = alternatives.filter((one) =>
      one.every(({ scheme }) => isSupported(scheme))
    );
    if (alternatives.length > 0 && chosen.length === 0) {
      const names = alternatives[0]!.map(({ name }) => name);
      this.#notes.add(`The security scheme ${listed(names)} is not converted: add what it needs.`);
    }
    const result: Security = { headers: [], query: [], cookies: [], auth: null };
    for (const { name, scheme } of chosen) this.#addScheme(result, name, scheme);
    return result;
  }

  #addScheme(result: Security, name: string, scheme: Json): void {
    const own = constantCase(name, "API");
    switch (kindOfScheme(scheme)) {
      case "basic":
      case "digest":
        result.auth = {
          kind: kindOfScheme(scheme) as "basic" | "digest",
          user: this.#secret(`${own}_USER`, `user of the security scheme ${name}`),
          password: this.#secret(`${own}_PASSWORD`, `password of the security scheme ${name}`),
        };
        break;
      case "bearer": {
        const token = this.#secret(
          /TOKEN$/.test(own) ? own : `${own}_TOKEN`,
          `token of the security scheme ${name}`,
        );
        result.headers.push(["authorization", new Template(["Bearer ", ...token.parts])]);
        break;
      }
      case "apiKey": {
        const variable = own === "KEY"
          ? "API_KEY"
          : /(KEY|TOKEN|SECRET)$/.test(own)
          ? own
          : `${own}_KEY`;
        const key = this.#secret(variable, `key of the security scheme ${name}`);
        const field = asText(scheme.name);
        if (scheme.in === "query") result.query.push([field, key]);
        else if (scheme.in === "cookie") result.cookies.push([field, key]);
        else result.headers.push([field.toLowerCase(), key]);
      }
    }
  }

  #secret(name: string, meaning: string): Template {
    if (!this.#secrets.has(meaning)) {
      this.#secrets.set(meaning, { name: uniqueName(name, this.#names), meaning });
    }
    return valueOf({ kind: "secret", name: this.#secrets.get(meaning)!.name });
  }
}

interface Security {
  readonly headers: [name: string, value: Text][];
  readonly query: [name: string, value: Text][];
  readonly cookies: [name: string, value: Text][];
  auth: NonNullable<Call["auth"]> | null;
}

/** These headers are described elsewhere in a document; parameters of these names mean nothing. */
const NOT_PARAMETERS = ["accept", "content-type", "authorization"];

/** The method's name: the operation's own one, or what it does. */
function methodName({ operationId, method, path }: Operation): string {
  // As FastAPI makes it from a function's name.
  const suffix = `_${path.replaceAll(/\W/g, "_")}_${method.toLowerCase()}`.replace(/^__/, "_");
  const text = operationId === ""
    ? `${method.toLowerCase()} ${path.replaceAll(/\{([^{}]+)\}/g, "by $1")}`
    : operationId.endsWith(suffix) && operationId.length > suffix.length
    ? operationId.slice(0, -suffix.length)
    : operationId;
  return `test${pascalCase(text, "Operation")}`;
}

function firstSentence(text: string): string {
  const line = text.trim().split(/\r?\n/)[0]!.replaceAll(/\s+/g, " ");
  const sentence = /^.*?[.!?](?=\s|$)/.exec(line)?.[0] ?? line;
  return sentence.length > MAX_COMMENT
    ? `${sentence.slice(0, MAX_COMMENT - 1).toWellFormed()}…`
    : sentence;
}

const MAX_COMMENT = 120;

function providedKey({ operation, path }: Provided): string {
  return `${operation.where} ${JSON.stringify(path)}`;
}
