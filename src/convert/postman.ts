/**
 * Reads collections of Postman: each folder becomes a test.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { splitOnce } from "./bodies.ts";
import { joined, partsOf } from "./call_texts.ts";
import { constantCase, pascalCase, uniqueName } from "./code.ts";
import {
  asList,
  asObject,
  asText,
  documentName,
  isObject,
  type Json,
  kindOf,
  readDocument,
  within,
} from "./document.ts";
import {
  type Call,
  type Check,
  type Draft,
  type DraftTest,
  type Reference,
  type Save,
  type Step,
  type Text,
  valueOf,
} from "./draft.ts";
import { className, requestName } from "./names.ts";
import { isImplied, PostmanBodies } from "./postman_bodies.ts";
import { type Script, translateScript } from "./postman_scripts.ts";
import { PostmanVariables } from "./postman_variables.ts";
import { hideSecrets } from "./secrets.ts";

/**
 * Reads the collection in a file, and an environment with values of its variables.
 *
 * @throws UsageError if a file cannot be read, is something else, or has an error. It names the request.
 */
export async function readPostman(
  host: Host,
  path: string,
  environment: string | null,
): Promise<Draft> {
  const collection = await readDocument(host, OPTION, path);
  checkCollection(collection, path);
  const values = environment === null ? [] : await readEnvironment(host, environment);
  return within(`${OPTION} ${path}`, () => new CollectionReader(collection, values, path).draft());
}

const OPTION = "--postman";
const ENVIRONMENT_OPTION = "--postman-environment";

function checkCollection(collection: Json, path: string): void {
  const what = `${OPTION} ${path}`;
  if (Array.isArray(collection.item)) return;
  if (collection.item !== undefined) {
    throw new UsageError(`${what}: item: expected a list, but it is ${kindOf(collection.item)}`);
  }
  if (isObject(collection.collection) && Array.isArray(collection.collection.item)) {
    throw new UsageError(
      `${what}: this is an answer of Postman's API: the collection is the member "collection" of it`,
    );
  }
  if (Array.isArray(collection.requests)) {
    throw new UsageError(
      `${what}: this is a collection of version 1, expected 2.0 or 2.1`,
      "Import it into Postman, and export it as Collection v2.1.",
    );
  }
  const hint = Array.isArray(collection.values)
    ? `It looks like an environment: use ${ENVIRONMENT_OPTION}, beside ${OPTION} COLLECTION.`
    : collection.openapi !== undefined
    ? "It looks like an OpenAPI document: use --openapi."
    : isObject(collection.log)
    ? "It looks like a HAR file: use --har."
    : "Export the collection from Postman as Collection v2.1.";
  throw new UsageError(`${what}: this is no Postman collection: it has no "item"`, hint);
}

async function readEnvironment(host: Host, path: string): Promise<readonly unknown[]> {
  const document = await readDocument(host, ENVIRONMENT_OPTION, path);
  if (Array.isArray(document.values)) return document.values;
  throw new UsageError(
    `${ENVIRONMENT_OPTION} ${path}: this is no Postman environment: it has no list "values"`,
    Array.isArray(document.item) ? `It looks like a collection: use ${OPTION}.` : "",
  );
}

/** What a request inherits from the folders around it. */
interface Scope {
  /** Names of the folders. */
  readonly path: readonly string[];
  readonly auth: unknown;
  readonly scripts: Scripts;
}

/** The scripts of an item and of what is around it. */
interface Scripts {
  readonly before: readonly Script[];
  readonly after: readonly Script[];
}

/** A request that was read, with where it belongs. */
interface Entry {
  readonly path: readonly string[];
  readonly name: string;
  readonly where: string;
  readonly request: Json;
  readonly auth: unknown;
  readonly script: Script;
}

/** Stands for a call until the secrets of all calls were taken out. */
type Outline =
  | { readonly kind: "call"; readonly index: number }
  | {
    readonly kind: "folder";
    readonly name: string;
    readonly description: string;
    readonly items: readonly Outline[];
  };

class CollectionReader {
  readonly #collection: Json;
  readonly #path: string;
  readonly #variables = new PostmanVariables();
  readonly #entries: Entry[] = [];
  /** Where requests go whose host is not known. */
  #unknownHost = false;

  constructor(collection: Json, environment: readonly unknown[], path: string) {
    this.#collection = collection;
    this.#path = path;
    for (const list of [collection.variable, environment]) this.#variables.add(list);
  }

  draft(): Draft {
    const { name, description } = asObject(this.#collection.info);
    const outlines = this.#outlines(this.#collection.item, {
      path: [],
      auth: this.#collection.auth,
      scripts: this.#scripts(this.#collection, NO_SCRIPTS, "the collection"),
    }, 0);
    if (this.#entries.length === 0) throw new UsageError("it has no requests");
    for (const { script } of this.#entries) this.#variables.declare(script);
    const read = this.#entries.map((entry) => within(entry.where, () => this.#call(entry)));
    const title = asText(name).trim();
    let prefix = constantCase(title, "POSTMAN");
    while ([...this.#variables.names].some((taken) => taken.startsWith(`${prefix}_`))) {
      prefix = `${prefix}_X`;
    }
    const { calls, secrets } = hideSecrets(read, prefix);
    const methodNames = new Set<string>();
    const tests = outlines.map((outline): DraftTest => {
      const first = outline.kind === "folder" ? outline.name : this.#entries[outline.index]!.name;
      const comment = outline.kind === "folder" ? firstLine(outline.description) : "";
      return {
        name: uniqueName(`test${pascalCase(first, "Requests")}`, methodNames),
        ...comment === "" ? {} : { comment },
        steps: outline.kind === "folder"
          ? outline.items.flatMap((inner) => steps(inner, calls))
          : steps(outline, calls),
      };
    });
    const text = firstLine(descriptionText(description));
    return {
      source: `Made by aiotest init from ${documentName(this.#path)}${
        title === "" ? "" : `: ${title}`
      }.`,
      notes: [
        ...this.#unknownHost
          ? ["The host of some requests is not known. Set it, or run the test with -H."]
          : [],
        ...this.#variables.notes,
      ],
      secrets: [...this.#variables.secrets.values(), ...secrets],
      constants: [...this.#variables.constants.values()],
      classes: [{
        name: className(title),
        ...text === "" ? {} : { comment: text },
        host: mainHost(calls),
        newVisitor: false,
        tests: tests.filter((test) => test.steps.length > 0),
      }],
    };
  }

  #outlines(items: unknown, scope: Scope, depth: number): Outline[] {
    const where = scope.path.length === 0 ? "the collection" : scope.path.join(" / ");
    if (!Array.isArray(items)) {
      throw new UsageError(`${where}: item: expected a list, but it is ${kindOf(items)}`);
    }
    if (depth > MAX_DEPTH) throw new UsageError(`${where}: folders are nested too deep`);
    return items.flatMap((item, index): Outline[] => {
      if (!isObject(item)) {
        throw new UsageError(
          `${where}: item ${index + 1}: expected an object, but it is ${kindOf(item)}`,
        );
      }
      const name = asText(item.name).trim() || `item ${index + 1}`;
      const inner: Scope = {
        path: [...scope.path, name],
        auth: item.auth ?? scope.auth,
        scripts: scope.scripts,
      };
      if (item.item !== undefined) {
        const scripts = this.#scripts(item, scope.scripts, `the folder ${inner.path.join(" / ")}`);
        const inside = this.#outlines(item.item, { ...inner, scripts }, depth + 1);
        const description = descriptionText(item.description);
        return inside.length === 0 ? [] : [{ kind: "folder", name, description, items: inside }];
      }
      if (item.request === undefined) {
        throw new UsageError(`${inner.path.join(" / ")}: it has neither a request nor items`);
      }
      this.#entries.push(entryOf(item, name, inner));
      return [{ kind: "call", index: this.#entries.length - 1 }];
    });
  }

  /** The scripts of a folder. What is not translated is said once, instead of for each request. */
  #scripts(item: Json, around: Scripts, what: string): Scripts {
    const own = scriptsOf(item, around);
    const untranslated = [
      ...own.before.slice(around.before.length),
      ...own.after.slice(around.after.length),
    ]
      .flatMap((script) => script.untranslated);
    if (untranslated.length === 0) return own;
    this.#variables.notes.add(notConverted(`the scripts of ${what}`, untranslated));
    const translated = (script: Script): Script => ({ ...script, untranslated: [] });
    return { before: own.before.map(translated), after: own.after.map(translated) };
  }

  #call(entry: Entry): Call {
    const { request, name, script } = entry;
    const method = (asText(request.method) || "GET").toUpperCase();
    if (!/^[A-Z][A-Z\d_-]*$/.test(method)) {
      throw new UsageError(
        `method: expected a word like GET, but it is ${JSON.stringify(request.method)}`,
      );
    }
    const url = this.#url(request.url);
    const auth = this.#auth(entry);
    const own = this.#headers(request.header);
    const body = new PostmanBodies(this.#variables).read(request.body, own);
    const headers = [
      ...own,
      ...auth.headers.filter(([one]) => own.every(([other]) => other !== one)),
    ];
    const hasType = headers.some(([one]) => one === "content-type");
    const { checks, saves } = this.#scriptResults(script);
    const { untranslated } = script;
    const comment = [
      // A test of a single request has its name.
      ...entry.path.length === 1 ? [] : [name],
      ...untranslated.length === 0 ? [] : [notConverted("its scripts", untranslated)],
    ].join("\n\n");
    return {
      method,
      url: { ...url.url, query: [...url.url.query, ...auth.query] },
      ...url.name === null ? {} : { name: url.name },
      headers: [
        ...headers.filter(([one, value]) => !isImplied(one, value, body.body)),
        ...body.contentType === null || hasType
          ? []
          : [["content-type", body.contentType] as const],
      ],
      ...body.body === null ? {} : { body: body.body },
      ...auth.auth === null ? {} : { auth: auth.auth },
      ...checks.some((check) => check.kind === "status" && isRedirect(check))
        ? { keepsRedirect: true }
        : {},
      ...comment === "" ? {} : { comment },
      checks,
      saves,
    };
  }

  #scriptResults({ checks, sets }: Script): { checks: Check[]; saves: Save[] } {
    const saves = new Map<string, Save>();
    for (const { variable, value } of sets) {
      if (value.kind !== "place") continue;
      const field = this.#variables.fieldOf(variable);
      saves.set(field, { variable: field, example: "", from: value.place });
    }
    return {
      checks: checks.map((check) => this.#checkWithVariables(check)),
      saves: [...saves.values()],
    };
  }

  #checkWithVariables(check: Check): Check {
    if (check.kind === "text" && typeof check.includes === "string") {
      return { ...check, includes: this.#variables.text(check.includes) };
    }
    return check;
  }

  #url(url: unknown): { url: Call["url"]; name: string | null } {
    const raw = typeof url === "string" ? url : isObject(url) ? rawUrl(url) : "";
    if (raw.trim() === "") {
      throw new UsageError(`url: expected a URL, but it is ${raw === "" ? kindOf(url) : "blank"}`);
    }
    const [beforeHash] = raw.trim().split("#", 1);
    const [base, query] = splitOnce(beforeHash!, "?");
    const { origin, prefix, rest } = this.#origin(base);
    const variables = new Map(
      asList(asObject(url).variable).map(asObject).map(({ key, id, value }) => [
        asText(key) || asText(id),
        typeof value === "string" || typeof value === "number" ? String(value) : "",
      ]),
    );
    const parts: (string | Reference)[] = [prefix];
    const named: string[] = [];
    for (const [index, segment] of rest.split("/").entries()) {
      if (index > 0) parts.push("/");
      const name = /^:(\w[\w-]*)/.exec(segment)?.[1];
      if (name === undefined) {
        parts.push(...partsOf(this.#variables.text(segment)).map(encodedPart));
        continue;
      }
      named.push(name);
      const value = variables.get(name) ?? "";
      const text = value === ""
        ? valueOf({ kind: "constant", name: this.#variables.constant(name, "") })
        : this.#variables.text(value);
      parts.push(
        ...partsOf(text).map(encodedPart),
        encodedPart(segment.slice(name.length + 1)) as string,
      );
    }
    const path = joined(parts);
    const slashed = startsWithSlash(path) ? path : joined(["/", ...partsOf(path)]);
    return {
      url: { origin, path: slashed, query: this.#query(url, query) },
      name: named.length === 0 ? null : this.#requestName(prefix, rest),
    };
  }

  /** The name of a request whose path has variables of its own: they are shown as in Postman. */
  #requestName(prefix: string, rest: string): string {
    const segments = rest.split("/").map((segment) =>
      segment.startsWith(":")
        ? segment
        : requestName(joined(partsOf(this.#variables.text(segment)).map(encodedPart)))
    );
    const name = `${prefix}${segments.join("/")}`;
    return name.startsWith("/") ? name : `/${name}`;
  }

  /** Origin, path of the host, and the rest of the path. */
  #origin(base: string): { origin: string; prefix: string; rest: string } {
    const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(base)?.[0] ?? "";
    const slash = base.indexOf("/", scheme.length);
    const authority = slash < 0 ? base : base.slice(0, slash);
    const rest = slash < 0 ? "" : base.slice(slash);
    const plain = this.#variables.plain(authority);
    const text = /^[a-z][a-z\d+.-]*:\/\//i.test(plain) ? plain : `http://${plain}`;
    const parsed = plain.includes("{{") || plain === "" ? null : URL.parse(text);
    if (parsed === null) {
      if (!plain.includes("{{") && plain !== "") {
        throw new UsageError(`url: ${JSON.stringify(base)} is no URL`);
      }
      this.#unknownHost = true;
      this.#variables.notes.add(
        `The host ${plain === "" ? authority : plain} has no value in the collection.`,
      );
      return { origin: UNKNOWN_HOST, prefix: "", rest };
    }
    if (!/^https?:$/.test(parsed.protocol)) {
      throw new UsageError(`url: expected http:// or https://, but it is ${parsed.protocol}//`);
    }
    return { origin: parsed.origin, prefix: parsed.pathname.replace(/\/+$/, ""), rest };
  }

  #query(url: unknown, raw: string | null): [string, Text | null][] {
    const list = asObject(url).query;
    if (Array.isArray(list)) {
      return list.map(asObject).filter(({ disabled, key }) =>
        disabled !== true && typeof key === "string"
      )
        .map(({ key, value }): [string, Text | null] => [
          key as string,
          value === null || value === undefined ? null : this.#variables.text(String(value)),
        ]);
    }
    if (raw === null) return [];
    return raw.split("&").filter((pair) => pair !== "").map((pair) => {
      const [name, value] = splitOnce(pair, "=");
      return [decoded(name), value === null ? null : this.#variables.text(decoded(value))];
    });
  }

  #headers(headers: unknown): [string, Text][] {
    if (typeof headers === "string") {
      return headers.split(/\r?\n/).flatMap((line): [string, Text][] => {
        const [name, value] = splitOnce(line, ":");
        return value === null || line.startsWith("//")
          ? []
          : [[name.trim().toLowerCase(), this.#variables.text(value.trim())]];
      });
    }
    return asList(headers).map(asObject).flatMap(({ key, value, disabled }): [string, Text][] => {
      if (disabled === true || typeof key !== "string" || key.trim() === "") return [];
      const name = key.trim().toLowerCase();
      if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
        throw new UsageError(`header: ${JSON.stringify(key)} is no name of a header`);
      }
      return [[name, this.#variables.text(String(value ?? "").replaceAll(/[\r\n]+/g, " "))]];
    }).filter(([name]) => !CONNECTION_HEADERS.includes(name));
  }

  #auth({ auth, where }: Entry): {
    headers: [string, Text][];
    query: [string, Text][];
    auth: Call["auth"] | null;
  } {
    const result: {
      headers: [string, Text][];
      query: [string, Text][];
      auth: Call["auth"] | null;
    } = {
      headers: [],
      query: [],
      auth: null,
    };
    const type = asText(asObject(auth).type);
    const values = authValues(asObject(auth)[type]);
    const text = (name: string): Text => this.#variables.text(values.get(name) ?? "");
    const secret = (name: string, meaning = name): Text =>
      this.#variables.secretText(values.get(name) ?? "", meaning);
    switch (type) {
      case "":
      case "noauth":
        break;
      case "bearer":
        result.headers.push([
          "authorization",
          joined(["Bearer ", ...partsOf(secret("token"))]),
        ]);
        break;
      case "oauth2": {
        const token = secret("accessToken");
        if (values.get("addTokenTo") === "queryParams") result.query.push(["access_token", token]);
        else {result.headers.push([
            "authorization",
            joined([`${values.get("headerPrefix")?.trim() || "Bearer"} `, ...partsOf(token)]),
          ]);}
        break;
      }
      case "basic":
      case "digest":
        result.auth = {
          kind: type,
          user: text("username"),
          password: secret("password"),
        };
        break;
      case "apikey": {
        const key = values.get("key") ?? "";
        const value = secret("value", key);
        if (values.get("in") === "query") result.query.push([key, value]);
        else if (key !== "") result.headers.push([this.#variables.plain(key).toLowerCase(), value]);
        break;
      }
      default:
        this.#variables.notes.add(
          `${where}: the authorization "${type}" is not converted: add what it needs.`,
        );
    }
    return result;
  }
}

/** Folders within folders that are read. */
const MAX_DEPTH = 50;
const UNKNOWN_HOST = "http://127.0.0.1:8000";

/** Headers that belong to the connection, or follow from the body. */
const CONNECTION_HEADERS = [
  "content-length",
  "host",
  "connection",
  "accept-encoding",
  "transfer-encoding",
];

function notConverted(what: string, lines: readonly string[]): string {
  return [`Not converted from ${what}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}

function entryOf(item: Json, name: string, { path, auth, scripts: around }: Scope): Entry {
  const request = typeof item.request === "string" ? { url: item.request } : item.request;
  const where = path.join(" / ");
  if (!isObject(request)) {
    throw new UsageError(`${where}: request: expected an object, but it is ${kindOf(request)}`);
  }
  const method = asText(request.method) || "GET";
  const url = typeof request.url === "string" ? request.url : asText(asObject(request.url).raw);
  const { before, after } = scriptsOf(item, around);
  const scripts = [...before, ...after];
  return {
    path,
    name,
    where: `${where} (${method}${url === "" ? "" : ` ${url}`})`,
    request,
    auth: request.auth ?? auth,
    script: {
      checks: scripts.flatMap((script) => script.checks),
      sets: scripts.flatMap((script) => script.sets),
      untranslated: scripts.flatMap((script) => script.untranslated),
    },
  };
}

const NO_SCRIPTS: Scripts = { before: [], after: [] };

/** The scripts of an item, after those of what is around it. */
function scriptsOf(item: Json, around: Scripts): Scripts {
  const own = (listen: string): Script[] =>
    asList(item.event).map(asObject)
      .filter((event) => event.listen === listen && event.disabled !== true)
      .map(({ script }) => {
        const exec = typeof script === "string" ? script : asObject(script).exec;
        return typeof exec === "string" ? exec : asList(exec).map(String).join("\n");
      })
      .filter((text) => text.trim() !== "")
      .map(translateScript);
  return {
    before: [...around.before, ...own("prerequest")],
    after: [...around.after, ...own("test")],
  };
}

function steps(outline: Outline, calls: readonly Call[]): Step[] {
  if (outline.kind === "call") return [{ kind: "call", call: calls[outline.index]! }];
  const inner = outline.items.flatMap((item) => steps(item, calls));
  return [{ kind: "group", name: outline.name, steps: inner }];
}

/** The origin of most requests. */
function mainHost(calls: readonly Call[]): string {
  const counts = new Map<string, number>();
  for (const { url: { origin } } of calls) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]![0];
}

function isRedirect(check: Check & { kind: "status" }): boolean {
  return check.statuses.every((status) => status >= 300 && status < 400);
}

/** The values of an authorization: a list in version 2.1, an object in 2.0. */
function authValues(values: unknown): ReadonlyMap<string, string> {
  const pairs = Array.isArray(values)
    ? values.map(asObject).map(({ key, value }) => [asText(key), value] as const)
    : Object.entries(asObject(values));
  return new Map(
    pairs.filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .map(([key, value]) => [key, String(value)]),
  );
}

function rawUrl({ raw, protocol, host, port, path }: Json): string {
  if (typeof raw === "string" && raw !== "") return raw;
  const hostText = Array.isArray(host) ? host.map(String).join(".") : asText(host);
  if (hostText === "") return "";
  const segments = Array.isArray(path)
    ? path.map((one) => isObject(one) ? asText(one.value) : String(one)).join("/")
    : asText(path).replace(/^\//, "");
  const before = asText(protocol) === "" ? "" : `${asText(protocol)}://`;
  const after = asText(port) === "" ? "" : `:${asText(port)}`;
  return `${before}${hostText}${after}/${segments}`;
}

function descriptionText(description: unknown): string {
  return typeof description === "string" ? description : asText(asObject(description).content);
}

function firstLine(text: string): string {
  const line = text.trim().split(/\r?\n/)[0]!.trim();
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1).toWellFormed()}…` : line;
}

const MAX_LINE = 120;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

function encodedPart(part: string | Reference): string | Reference {
  if (typeof part !== "string") {
    return part.kind === "variable" || part.kind === "constant" ? part : part;
  }
  // What is encoded already stays as it is.
  return part.replaceAll(
    /[^\w\-.~!$&'()*+,;=:@%]/gu,
    (character) => encodeURIComponent(character.toWellFormed()),
  );
}

function startsWithSlash(path: Text): boolean {
  const [first = ""] = partsOf(path);
  return typeof first === "string" && first.startsWith("/");
}
