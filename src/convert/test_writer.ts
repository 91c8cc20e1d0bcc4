/**
 * Writes a test file that its owner would keep: hosts and headers that are the same everywhere are written
 * once, and the layout is that of `deno fmt`.
 *
 * @module
 */

import { partsOf } from "./call_texts.ts";
import {
  callCode,
  camelCase,
  type Code,
  commentLines,
  constantCase,
  isName,
  keyCode,
  listCode,
  objectCode,
  statement,
  stringCode,
  templateText,
  uniqueName,
} from "./code.ts";
import {
  type Body,
  type Call,
  type Check,
  type Constant,
  type Draft,
  type DraftClass,
  type JsonDraft,
  type JsonPath,
  type Place,
  type Reference,
  type Save,
  type Step,
  Template,
  type Text,
} from "./draft.ts";
import { callsOf, commonHeaders, localVariables, savedHeaders } from "./folding.ts";
import { requestName } from "./names.ts";

/** How a test file is written. */
export interface WriterOptions {
  /** Otherwise, it is JavaScript. */
  readonly isTypeScript: boolean;
  /** The command that runs it, without options for the load: `aiotest -f shop.ts`. */
  readonly command: string;
}

/** The code of a test file. */
export function writeTest(draft: Draft, options: WriterOptions): string {
  return new TestWriter(draft, options).text();
}

/** A command line that runs the test of a draft. @param load the options of the load. */
export function runCommand({ secrets, flags = [] }: Draft, command: string, load: string): string {
  const variables = secrets.map(({ name }) => `${name}=… `).join("");
  return `${variables}${[command, ...flags, load].join(" ")}`;
}

class TestWriter {
  readonly #draft: Draft;
  readonly #options: WriterOptions;
  /** Constants of the origins that are no class's host. */
  readonly #origins = new Map<string, string>();
  /** Names that are taken in the whole file. */
  readonly #names = new Set<string>();
  #usesAssert = false;

  constructor(draft: Draft, options: WriterOptions) {
    this.#draft = draft;
    this.#options = options;
    const { secrets, constants = [], classes } = draft;
    for (const { name } of [...secrets, ...constants, ...classes]) this.#names.add(name);
    for (const own of draft.classes) {
      for (const { url: { origin } } of callsOf(own)) {
        if (origin === own.host || this.#origins.has(origin)) continue;
        this.#origins.set(origin, uniqueName(originName(origin, own.host), this.#names));
      }
    }
  }

  text(): string {
    // The classes come first, because they decide what is imported.
    const classes = this.#draft.classes.map((own) => this.#class(own));
    const sections = [
      [...this.#heading(), ...this.#imports()],
      this.#originConstants(),
      ...this.#valueConstants(),
      ...this.#secrets(),
      ...classes,
    ];
    const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
    return `${texts.join("\n\n")}\n`;
  }

  #heading(): string[] {
    const { source, notes } = this.#draft;
    const paragraphs = [
      source,
      "To run it with 10 users for a minute:",
      `    ${runCommand(this.#draft, this.#options.command, "-u 10 -r 10 -t 1m")}`,
      ...notes,
    ];
    return commentLines(0, paragraphs.join("\n\n"));
  }

  #imports(): string[] {
    const names = this.#draft.secrets.length > 0 ? "events, FastHttpUser" : "FastHttpUser";
    return [
      ...this.#usesAssert ? ['import assert from "node:assert/strict";'] : [],
      `import { ${names} } from "aiotest";`,
    ];
  }

  #valueConstants(): string[][] {
    return (this.#draft.constants ?? []).map(({ name, value, comment }) => [
      ...commentLines(0, comment),
      ...statement(0, `const ${name} = `, jsonCode(value)),
    ]);
  }

  #originConstants(): string[] {
    return [...this.#origins].flatMap(([origin, name]) =>
      statement(0, `const ${name} = `, stringCode(origin))
    );
  }

  #secrets(): string[][] {
    const { secrets } = this.#draft;
    if (secrets.length === 0) return [];
    const constants = secrets.flatMap(({ name, meaning }) => [
      ...commentLines(0, `The ${meaning}.`),
      ...statement(0, `const ${name} = `, `Deno.env.get(${stringCode(name)}) ?? ""`),
    ]);
    const list = listCode(secrets.map(({ name }) => stringCode(name)));
    const check: Code = callCode("events.on", ['"testStart"', {
      kind: "function",
      head: "() =>",
      body: (indent) => {
        const inner = " ".repeat(indent + 2);
        return [
          ...statement(indent, "const names = ", list),
          `${" ".repeat(indent)}for (const name of names) {`,
          `${inner}if (Deno.env.get(name) === undefined) {`,
          `${inner}  throw new Error(\`Set \${name} in the environment\`);`,
          `${inner}}`,
          `${" ".repeat(indent)}}`,
        ];
      },
    }]);
    return [constants, statement(0, "", check)];
  }

  #class(own: DraftClass): string[] {
    return new ClassWriter(own, {
      isTypeScript: this.#options.isTypeScript,
      names: this.#names,
      constants: this.#draft.constants ?? [],
      nameOfOrigin: (origin) => origin === own.host ? null : this.#origins.get(origin)!,
      useAssert: () => void (this.#usesAssert = true),
    }).lines();
  }
}

/** A name for the constant of an origin: what tells its host from the main one. */
function originName(origin: string, host: string): string {
  const [name, other] = [origin, host].map((one) => {
    try {
      return new URL(one).hostname;
    } catch {
      return one;
    }
  });
  const labels = name!.split(".");
  const label = labels.find((one) => one !== "www" && !other!.split(".").includes(one));
  return constantCase(label ?? labels[0]!, "OTHER_HOST");
}

interface ClassContext {
  readonly isTypeScript: boolean;
  readonly names: ReadonlySet<string>;
  readonly constants: readonly Constant[];
  /** The constant of an origin; `null` for the host of the class. */
  nameOfOrigin(origin: string): string | null;
  useAssert(): void;
}

class ClassWriter {
  readonly #class: DraftClass;
  readonly #context: ClassContext;
  readonly #examples: ReadonlyMap<string, Save["example"]>;
  readonly #local: ReadonlySet<string>;
  /** Lines of the headers that all calls have, as keys of `headerKey`. */
  readonly #common: ReadonlyMap<string, Text>;
  /** Headers that the session has from a call on. */
  readonly #saved: ReturnType<typeof savedHeaders>;
  /** Names in the method that is being written. */
  #names = new Set<string>();

  constructor(own: DraftClass, context: ClassContext) {
    this.#class = own;
    this.#context = context;
    const saves = callsOf(own).flatMap((call) => call.saves);
    this.#examples = new Map(saves.map(({ variable, example }) => [variable, example]));
    this.#local = localVariables(own);
    this.#common = commonHeaders(own);
    this.#saved = savedHeaders(own);
  }

  lines(): string[] {
    const { name, comment, onStart = [], tests } = this.#class;
    const own = this.#context.isTypeScript ? "static override" : "static";
    const members = [
      this.#settings(own),
      [...this.#examples].filter(([variable]) => !this.#local.has(variable))
        .flatMap(([variable, example]) => statement(2, `${variable} = `, emptyOf(example))),
      ...onStart.length === 0 ? [] : [this.#method("onStart", undefined, onStart)],
      ...tests.map((test) => this.#method(test.name, test.comment, test.steps)),
    ];
    return [
      ...comment === undefined ? [] : commentLines(0, comment),
      `export class ${name} extends FastHttpUser {`,
      ...members.filter((lines) => lines.length > 0).flatMap((lines, index) =>
        index === 0 ? lines : ["", ...lines]
      ),
      "}",
    ];
  }

  #settings(own: string): string[] {
    const { host, newVisitor, waitTime, followsRedirects } = this.#class;
    const literal = this.#context.isTypeScript ? " as const" : "";
    return [
      ...statement(2, `${own} host = `, stringCode(host)),
      ...newVisitor
        ? [
          ...commentLines(2, "Each iteration is a new visitor, with cookies of its own."),
          `  ${own} session = "iteration"${literal};`,
        ]
        : [],
      ...waitTime === undefined ? [] : [`  ${own} waitTime = ${waitTime};`],
      ...followsRedirects === false ? [`  ${own} maxRedirects = 0;`] : [],
      ...this.#common.size === 0 ? [] : statement(
        2,
        `${own} headers = `,
        objectCode([...this.#common].map(([name, value]) => [keyCode(name), this.#string(value)])),
      ),
    ];
  }

  #method(name: string, comment: string | undefined, steps: readonly Step[]): string[] {
    this.#names = new Set([...this.#examples.keys(), ...this.#context.names]);
    const [override, type] = this.#context.isTypeScript
      ? [name === "onStart" ? "override " : "", ": Promise<void>"]
      : ["", ""];
    return [
      ...comment === undefined ? [] : commentLines(2, comment),
      `  ${override}async ${name}()${type} {`,
      ...this.#steps(steps, 4),
      "  }",
    ];
  }

  #steps(steps: readonly Step[], indent: number): string[] {
    return steps.flatMap((step, index) => {
      switch (step.kind) {
        case "call":
          return this.#call(step.call, indent);
        case "batch":
          return this.#batch(step.calls, indent);
        case "wait":
          return [`${" ".repeat(indent)}await this.sleep(${step.seconds});`];
        case "comment":
          return [...index === 0 ? [] : [""], ...commentLines(indent, step.text)];
        case "group": {
          const body: Code = {
            kind: "function",
            head: "async () =>",
            body: (inner) => this.#steps(step.steps, inner),
          };
          return statement(
            indent,
            "await ",
            callCode("this.group", [stringCode(step.name), body]),
          );
        }
      }
    });
  }

  #call(call: Call, indent: number): string[] {
    const form = this.#form(call, indent);
    const verb = VERBS.has(call.method) ? call.method.toLowerCase() : null;
    const args = [
      ...verb === null ? [stringCode(call.method)] : [],
      ...this.#args(call, form.name),
    ];
    const code = callCode(`this.session.${verb ?? "request"}`, args);
    const saved = this.#saved.get(call) ?? [];
    const comment = call.comment === undefined ? [] : commentLines(indent, call.comment);
    if (call.saves.length === 0) {
      return [...comment, ...form.lines, ...statement(indent, "await ", code)];
    }
    const response = uniqueName(responseName(call), this.#names);
    return [
      ...comment,
      ...form.lines,
      ...statement(indent, `const ${response} = await `, code),
      ...this.#saves(call.saves, response, indent),
      ...saved.flatMap(([name, value]) =>
        statement(
          indent,
          "",
          callCode("this.session.headers.set", [stringCode(name), this.#string(value)]),
        )
      ),
    ];
  }

  #batch(calls: readonly Call[], indent: number): string[] {
    const forms = calls.map((call) => this.#form(call, indent));
    const items = calls.map((call, index) => {
      const args = this.#args(call, forms[index]!.name);
      return call.method === "GET" && args.length === 1
        ? args[0]!
        : listCode([stringCode(call.method), ...args]);
    });
    return [
      ...forms.flatMap(({ lines }) => lines),
      ...statement(indent, "await ", callCode("this.session.batch", [listCode(items)])),
    ];
  }

  /** URL, options and check of a call. */
  #args(call: Call, form: string | null): Code[] {
    const { url, params } = this.#url(call);
    const name = call.name ?? requestName(call.url.path);
    const isNamed = typeof call.url.path !== "string" || name !== call.url.path;
    const headers = call.headers.filter((header) => !this.#isFolded(call, header));
    const members = objectCode([
      ["name", isNamed ? stringCode(name) : undefined],
      ["params", params],
      ["headers", headers.length === 0 ? undefined : this.#headers(headers)],
      ["auth", call.auth === undefined ? undefined : this.#auth(call.auth)],
      ...this.#body(call.body, form),
      ["redirect", call.keepsRedirect === true ? '"manual"' : undefined],
    ]);
    const hasOptions = typeof members === "object" && "members" in members &&
      members.members.length > 0;
    const check = this.#check(call.checks);
    if (check !== null) return [url, members, check];
    return hasOptions ? [url, members] : [url];
  }

  #isFolded(call: Call, [name, value]: Call["headers"][number]): boolean {
    const common = this.#common.get(name);
    return (common !== undefined && isEqual(common, value)) ||
      [...this.#saved].some(([saver, headers]) =>
        saver !== call && headers.some(([one, other]) => one === name && isEqual(other, value))
      );
  }

  #url({ url: { origin, path, query } }: Call): { url: Code; params?: Code } {
    const constant = this.#context.nameOfOrigin(origin);
    const isPlain = query.every(([, value]) => typeof value === "string");
    const literal = isPlain
      ? query.map(([name, value]) => pair(name, String(value))).join("&")
      : "";
    const inUrl = query.length === 0 || (isPlain && literal.length <= MAX_QUERY) ||
      query.some(([, value]) => value === null);
    const parts: (string | Reference)[] = [...partsOf(path)];
    if (inUrl) {
      for (const [index, [name, value]] of query.entries()) {
        parts.push(index === 0 ? "?" : "&");
        if (value === null) parts.push(encoded(name));
        else if (typeof value === "string") parts.push(pair(name, value));
        else parts.push(`${encoded(name)}=`, ...encodedParts(value));
      }
    }
    const text = new Template(parts);
    const url = constant === null
      ? this.#string(text)
      : `\`\${${constant}}${this.#inTemplate(text)}\``;
    if (inUrl) return { url };
    return { url, params: this.#fields(query.map(([name, value]) => [name, value ?? ""])) };
  }

  #fields(fields: readonly (readonly [name: string, value: Text])[]): Code {
    const names = fields.map(([name]) => name);
    const isGrouped = new Set(names).size ===
      names.filter((name, index) => name !== names[index - 1]).length;
    // An object would put keys that are numbers first.
    if (!isGrouped || names.some((name) => /^\d+$/.test(name))) {
      return listCode(
        fields.map(([name, value]) => listCode([stringCode(name), this.#value(value)])),
      );
    }
    return objectCode([...new Set(names)].map((name) => {
      const values = fields.filter(([one]) => one === name).map(([, value]) => this.#value(value));
      return [keyCode(name), values.length === 1 ? values[0]! : listCode(values)] as const;
    }));
  }

  #headers(headers: Call["headers"]): Code {
    const names = headers.map(([name]) => name);
    if (new Set(names).size < names.length) {
      return listCode(
        headers.map(([name, value]) => listCode([stringCode(name), this.#string(value)])),
      );
    }
    return objectCode(headers.map(([name, value]) => [keyCode(name), this.#string(value)]));
  }

  #auth({ kind, user, password }: NonNullable<Call["auth"]>): Code {
    const pair = listCode([this.#string(user), this.#string(password)]);
    return kind === "basic" ? pair : objectCode([["digest", pair]]);
  }

  #body(body: Body | undefined, form: string | null): (readonly [string, Code | undefined])[] {
    switch (body?.kind) {
      case undefined:
        return [];
      case "json":
        return [["json", this.#json(body.value)]];
      case "form":
        return [["form", this.#fields(body.fields)]];
      case "multipart":
        return [["body", form!]];
      case "text":
        return [["body", this.#string(body.text)]];
      case "bytes":
        return [["body", callCode("Uint8Array.fromBase64", [stringCode(body.base64)])]];
    }
  }

  /** The statements that make a multipart body, and the name of its variable. */
  #form(call: Call, indent: number): { name: string | null; lines: string[] } {
    if (call.body?.kind !== "multipart") return { name: null, lines: [] };
    const name = uniqueName(`${responseName(call)}Form`, this.#names);
    const lines = call.body.parts.flatMap(({ name: field, value, file }) => {
      const content: Code = file === undefined ? this.#string(value) : callCode("new File", [
        listCode([this.#string(value)]),
        stringCode(file.name),
        ...file.type === "" ? [] : [objectCode([["type", stringCode(file.type)]])],
      ]);
      return statement(indent, "", callCode(`${name}.append`, [stringCode(field), content]));
    });
    return { name, lines: [...statement(indent, `const ${name} = `, "new FormData()"), ...lines] };
  }

  #check(checks: readonly Check[]): Code | null {
    if (checks.length === 0) return null;
    const isAsync = checks.some(({ kind }) => kind === "json" || kind === "text");
    const [line, ...others] = checks.flatMap((check) => this.#checkLines(check, 0));
    if (!isAsync && others.length === 0) return `(res) => ${line!.replace(/;$/, "")}`;
    return {
      kind: "function",
      head: isAsync ? "async (res) =>" : "(res) =>",
      body: (indent) => checks.flatMap((check) => this.#checkLines(check, indent)),
    };
  }

  #checkLines(check: Check, indent: number): string[] {
    this.#context.useAssert();
    const assertion = (name: string, ...args: Code[]): string[] =>
      statement(indent, "", callCode(`assert.${name}`, args));
    switch (check.kind) {
      case "status": {
        const { statuses } = check;
        const isOne = statuses.length === 1;
        return [
          ...isOne
            ? assertion("equal", "res.status", String(statuses[0]))
            : assertion("ok", `[${statuses.join(", ")}].includes(res.status)`),
          ...statuses.every((status) => status < 400)
            ? []
            : [`${" ".repeat(indent)}res.success(); // this status is expected`],
        ];
      }
      case "json": {
        const actual = check.path.length === 0
          ? "await res.json()"
          : `(await res.json())${accessCode(check.path)}`;
        const isPlain = typeof check.equals !== "object" || check.equals === null ||
          check.equals instanceof Template;
        return assertion(isPlain ? "equal" : "deepEqual", actual, this.#json(check.equals));
      }
      case "text":
        return assertion(
          "ok",
          callCode("(await res.text()).includes", [this.#string(check.includes)]),
        );
      case "header":
        return assertion(
          "equal",
          `res.headers.get(${stringCode(check.name)})`,
          this.#string(check.equals),
        );
    }
  }

  #saves(saves: readonly Save[], response: string, indent: number): string[] {
    const lines: string[] = [];
    const parsed = (kind: "json" | "html"): string => {
      const name = uniqueName(`${response}${kind === "json" ? "Json" : "Html"}`, this.#names);
      lines.push(...statement(indent, `const ${name} = `, `await ${response}.${kind}()`));
      return name;
    };
    const isSeveral = saves.filter(({ from }) => from.kind === "json").length > 1;
    const json = isSeveral ? parsed("json") : `(await ${response}.json())`;
    const page = saves.some(({ from }) => from.kind === "html") ? parsed("html") : "";
    for (const { variable, example, from } of saves) {
      const place = placeCode(from, { response, json, page });
      const isConverted = typeof example === "number" && from.kind !== "json";
      const target = this.#local.has(variable) ? `const ${variable} = ` : `this.${variable} = `;
      lines.push(...statement(indent, target, isConverted ? callCode("Number", [place]) : place));
    }
    return lines;
  }

  #json(value: JsonDraft): Code {
    if (typeof value === "string" || value instanceof Template) return this.#value(value);
    if (value === null || typeof value !== "object") return String(value);
    if (Array.isArray(value)) return listCode(value.map((item) => this.#json(item)));
    return objectCode(
      Object.entries(value).map(([name, member]) => [keyCode(name), this.#json(member)] as const),
    );
  }

  /** A value of any type. */
  #value(text: Text): string {
    const [only, ...others] = partsOf(text);
    if (only !== undefined && typeof only !== "string" && others.length === 0) {
      const code = this.#reference(only);
      if (only.kind !== "variable") return code;
      return only.asString === true
        ? `String(${code})`
        : only.asNumber === true
        ? `Number(${code})`
        : code;
    }
    return this.#string(text);
  }

  /** A value that must be a string. */
  #string(text: Text): string {
    const parts = partsOf(text);
    const [only] = parts;
    if (parts.length === 1 && typeof only === "object") {
      if (only.encode === true || this.#isString(only)) return this.#reference(only);
    }
    if (parts.every((part) => typeof part === "string")) return stringCode(parts.join(""));
    return `\`${this.#inTemplate(text)}\``;
  }

  /** Whether the value of a reference is a string. */
  #isString(reference: Reference): boolean {
    switch (reference.kind) {
      case "variable":
        return typeof this.#examples.get(reference.name) === "string";
      case "constant": {
        const constant = this.#context.constants.find(({ name }) => name === reference.name);
        return typeof constant?.value === "string";
      }
      case "code":
        return reference.type === "string";
      default:
        return true;
    }
  }

  #inTemplate(text: Text): string {
    return partsOf(text).map((part) =>
      typeof part === "string" ? templateText(part) : `\${${this.#reference(part)}}`
    ).join("");
  }

  #reference(reference: Reference): string {
    if (reference.kind === "host") return "this.host";
    const name = reference.kind === "code"
      ? reference.code
      : reference.kind === "variable" && !this.#local.has(reference.name)
      ? `this.${reference.name}`
      : reference.name;
    return reference.encode === true ? `encodeURIComponent(${name})` : name;
  }
}

/** Methods of HTTP that are methods of the session. */
const VERBS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "DELETE",
  "POST",
  "PUT",
  "PATCH",
]);

/** A longer query is written as `params`. */
const MAX_QUERY = 30;

function isEqual(one: Text, other: Text): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function encodedParts(value: Template): (string | Reference)[] {
  return value.parts.map((part) =>
    typeof part === "string"
      ? encoded(part)
      : part.kind === "host"
      ? part
      : { ...part, encode: true }
  );
}

function pair(name: string, value: string): string {
  return `${encoded(name)}=${encoded(value)}`;
}

/** Part of a query. What need not be escaped there stays readable. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/%(?:2C|3A|2F|40|24)/g, (code) => decodeURIComponent(code));
}

/** The value of a field before it is known. */
function emptyOf(example: Save["example"]): string {
  return typeof example === "string" ? '""' : typeof example === "number" ? "0" : "false";
}

/** A name for the response of a call, from its path. */
function responseName({ url: { path }, method }: Call): string {
  const segments = partsOf(path).filter((part) => typeof part === "string").join("")
    .split(/[/.]/).filter((segment) => segment !== "" && /^[\p{L}_-]+$/u.test(segment));
  return camelCase(segments.at(-1) ?? "", method === "GET" ? "page" : "answer");
}

function placeCode(
  place: Place,
  { response, json, page }: { response: string; json: string; page: string },
): Code {
  switch (place.kind) {
    case "json":
      return place.path.length === 0
        ? json.replace(/^\((.*)\)$/, "$1")
        : `${json}${accessCode(place.path)}`;
    case "html":
      return `${page}.find(${stringCode(place.selector)})?.attr(${
        stringCode(place.attribute)
      }) ?? ""`;
    case "header": {
      const value = `${response}.headers.get(${stringCode(place.name)}) ?? ""`;
      return place.pattern === undefined ? value : matchCode(place.pattern, value);
    }
    case "cookie": {
      const value = `this.session.cookies.get(${stringCode(place.name)}) ?? ""`;
      return place.decode === true ? callCode("decodeURIComponent", [value]) : value;
    }
    case "text":
      return matchCode(place.pattern, `await ${response}.text()`);
    case "url":
      return matchCode(place.pattern, `${response}.url`);
  }
}

function matchCode(pattern: RegExp, value: string): string {
  return `${pattern}.exec(${value})?.[1] ?? ""`;
}

function accessCode(path: JsonPath): string {
  return path.map((key) =>
    typeof key === "number" ? `[${key}]` : isName(key) ? `.${key}` : `[${stringCode(key)}]`
  ).join("");
}

/** A value without references. */
function jsonCode(value: JsonDraft): Code {
  if (typeof value === "string") return stringCode(value);
  return JSON.stringify(value);
}
