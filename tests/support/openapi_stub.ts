import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

type Json = Record<string, unknown>;

/** An operation of the document. */
interface Operation {
  readonly where: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly item: Json;
  readonly own: Json;
  readonly pointer: string;
}

/**
 * A service that an OpenAPI document describes: it answers as the document says, and checks that each request
 * is what the document asks for.
 */
export class OpenApiStub implements AsyncDisposable {
  /** What was wrong with requests. */
  readonly problems: string[] = [];
  /** The operations that were called, in order. */
  readonly called: string[] = [];
  readonly url: string;
  readonly operations: readonly Operation[];
  readonly #document: Json;
  readonly #strict: Ajv;
  /** For texts, such as those of a query: numbers are written as digits there. */
  readonly #coercing: Ajv;
  readonly #secrets: Readonly<Record<string, string>>;
  /** Identifiers that were returned. */
  readonly #issued = new Set<string>();
  readonly #given: ReadonlySet<string>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #count = 100;

  /**
   * @param secrets values of the security schemes; of Basic: `user:password`.
   * @param given values of path parameters that no operation returns.
   */
  constructor(
    document: unknown,
    base: string,
    secrets: Readonly<Record<string, string>>,
    given: readonly string[] = [],
  ) {
    this.#document = withNumericLimits(structuredClone(document)) as Json;
    this.#secrets = secrets;
    this.#given = new Set(given);
    const Validator = String(this.#document.openapi).startsWith("3.0") ? Ajv : Ajv2020;
    const options = { strict: false, allErrors: true, formats: FORMATS };
    this.#strict = new Validator(options);
    this.#coercing = new Validator({ ...options, coerceTypes: "array" });
    for (const ajv of [this.#strict, this.#coercing]) ajv.addSchema(this.#document, "document");
    this.operations = Object.entries(this.#document.paths as Json).flatMap(([path, item]) =>
      METHODS.filter((method) => (item as Json)[method] !== undefined).map((method) => ({
        where: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        pattern: new RegExp(
          `^${base}${
            path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^{}]+\}/g, "([^/]+)")
          }$`,
        ),
        names: [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name!),
        item: item as Json,
        own: (item as Record<string, Json>)[method]!,
        pointer: `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}/${method}`,
      }))
    );
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const operation = this.#find(request.method, url.pathname);
    if (operation === null) {
      this.problems.push(`${request.method} ${url.pathname}: no such operation`);
      return new Response(null, { status: 404 });
    }
    const { where, own } = operation;
    this.called.push(where);
    const before = this.problems.length;
    try {
      this.#checkParameters(operation, url, request.headers);
      this.#checkSecurity(operation, url, request.headers);
      await this.#checkBody(operation, request);
    } catch (error) {
      this.problems.push(`${where}: ${error}`);
    }
    if (this.problems.length > before) return new Response("bad request", { status: 400 });
    const responses = own.responses as Json;
    const status = Object.keys(responses).find((one) => one.startsWith("2")) ?? "200";
    const { content } = this.#resolve(responses[status] ?? {}) as Json;
    const schema = ((content as Json | undefined)?.["application/json"] as Json | undefined)
      ?.schema;
    if (schema === undefined) return new Response(null, { status: Number(status) });
    return Response.json(this.#made(schema, 0), { status: Number(status) });
  }

  /** A fixed path comes before one with parameters. */
  #find(method: string, path: string): Operation | null {
    return this.operations.filter((one) => one.method === method && one.pattern.test(path))
      .sort((one, other) => one.names.length - other.names.length)[0] ?? null;
  }

  #checkParameters(operation: Operation, url: URL, headers: Headers): void {
    const { where, item, own, names, pattern } = operation;
    const values = pattern.exec(url.pathname)!.slice(1).map(decodeURIComponent);
    const parameters = [item.parameters, own.parameters].flatMap((list) => list ?? [])
      .map((one) => this.#resolve(one) as Json);
    for (const parameter of parameters) {
      const { name, in: place, required, style, explode, content } = parameter;
      const key = String(name);
      let value: unknown;
      if (place === "path") value = values[names.indexOf(key)];
      else if (place === "header") value = headers.get(key) ?? undefined;
      else if (place === "cookie") {
        value = new RegExp(`(?:^|; )${key}=([^;]*)`).exec(headers.get("cookie") ?? "")?.[1];
      } else if (style === "deepObject") {
        const fields = [...url.searchParams].filter(([field]) => field.startsWith(`${key}[`));
        value = Object.fromEntries(
          fields.map(([field, text]) => [field.slice(key.length + 1, -1), text]),
        );
      } else {
        const all = url.searchParams.getAll(key);
        value = explode === false ? all[0]?.split(",") : all.length > 1 ? all : all[0];
      }
      if (value === undefined) {
        if (required === true) this.problems.push(`${where}: ${place} parameter ${key} is missing`);
        continue;
      }
      const schema = content === undefined
        ? parameter.schema
        : Object.values(content as Record<string, Json>)[0]!.schema;
      if (content !== undefined) value = JSON.parse(String(value));
      this.#validate(this.#coercing, schema, value, `${where}: ${place} parameter ${key}`);
      if (place !== "path" || (this.#resolve(schema) as Json).enum !== undefined) continue;
      if (!this.#issued.has(String(value)) && !this.#given.has(String(value))) {
        this.problems.push(`${where}: ${key} is ${value}, which no operation has returned`);
      }
    }
    const known = new Set(parameters.map((one) => String(one.name).toLowerCase()));
    for (const key of url.searchParams.keys()) {
      const plain = key.replace(/\[.*/, "").toLowerCase();
      if (!known.has(plain) && !this.#isKey(plain)) {
        this.problems.push(`${where}: unknown query parameter ${key}`);
      }
    }
  }

  #schemes(): Record<string, Json> {
    return ((this.#document.components as Json).securitySchemes ?? {}) as Record<string, Json>;
  }

  #isKey(name: string): boolean {
    return Object.values(this.#schemes()).some((one) => one.name === name);
  }

  #checkSecurity({ where, own }: Operation, url: URL, headers: Headers): void {
    const [needed = {}] = (own.security ?? this.#document.security ?? []) as Json[];
    for (const name of Object.keys(needed)) {
      const { type, scheme, in: place, name: field } = this.#schemes()[name]!;
      const secret = this.#secrets[name]!;
      const sent = type === "apiKey"
        ? place === "query" ? url.searchParams.get(String(field)) : headers.get(String(field))
        : headers.get("authorization");
      const expected = type === "apiKey"
        ? secret
        : scheme === "basic"
        ? `Basic ${btoa(secret)}`
        : `Bearer ${secret}`;
      if (sent !== expected) {
        this.problems.push(`${where}: ${name}: ${sent} instead of ${expected}`);
      }
    }
  }

  async #checkBody({ where, own }: Operation, request: Request): Promise<void> {
    const body = own.requestBody === undefined ? null : this.#resolve(own.requestBody) as Json;
    const type = request.headers.get("content-type")?.split(";")[0] ?? "";
    const bytes = new Uint8Array(await request.clone().arrayBuffer());
    if (body === null) {
      if (bytes.length > 0) this.problems.push(`${where}: it has a body`);
      return;
    }
    const media = (body.content as Record<string, Json>)[type];
    if (media === undefined) {
      this.problems.push(`${where}: its body is of type ${type}`);
      return;
    }
    if (type === "application/json") {
      this.#validate(
        this.#strict,
        media.schema,
        JSON.parse(new TextDecoder().decode(bytes)),
        where,
      );
    } else if (type === "text/plain") {
      this.#validate(this.#strict, media.schema, new TextDecoder().decode(bytes), where);
    } else if (type.includes("form")) {
      const form = await request.formData();
      const value: Json = {};
      for (const key of new Set(form.keys())) {
        const all = form.getAll(key).map((one) => one instanceof File ? "a file" : one)
          .map((one) => /^[{[]/.test(one) ? JSON.parse(one) : one);
        value[key] = all.length > 1 ? all : all[0];
      }
      this.#validate(this.#coercing, media.schema, value, where);
    } else if (bytes.length === 0) this.problems.push(`${where}: its body is empty`);
  }

  #validate(ajv: Ajv, schema: unknown, value: unknown, what: string): void {
    const validate: ValidateFunction = ajv.compile(absolute(schema) as Json);
    // Coercion changes what is inside an object.
    if (validate({ value }.value)) return;
    this.problems.push(`${what}: ${JSON.stringify(value)} ${ajv.errorsText(validate.errors)}`);
  }

  #resolve(part: unknown): unknown {
    let found = part;
    while (typeof (found as Json)?.$ref === "string") {
      found = ((found as Json).$ref as string).split("/").slice(1)
        .reduce((at, name) => (at as Json)[name], this.#document as unknown);
    }
    return found;
  }

  /** A value of a schema, with an identifier wherever there may be one. */
  #made(schema: unknown, depth: number, name = ""): unknown {
    const own = this.#resolve(schema) as Json;
    if (depth > 4) return null;
    const all = (own.allOf ?? []) as unknown[];
    if (all.length > 0) {
      return Object.assign({}, ...all.map((one) => this.#made(one, depth, name)));
    }
    const [first] = (own.anyOf ?? own.oneOf ?? []) as unknown[];
    if (first !== undefined) return this.#made(first, depth + 1, name);
    switch (own.type) {
      case "array":
        return [this.#made(own.items, depth + 1, name)];
      case "integer":
        return this.#issue(this.#count++);
      case "number":
        return 1.5;
      case "boolean":
        return true;
      case "string":
        if (own.format === "uuid") return this.#issue(crypto.randomUUID());
        // What is no identifier can have any character.
        return this.#issue(
          /(id|hook)$/i.test(name) ? `i-${this.#count++}` : `${name}/${this.#count++} ä`,
        );
      default:
        return Object.fromEntries(
          Object.entries((own.properties ?? {}) as Json)
            .map(([key, property]) => [key, this.#made(property, depth + 1, key)]),
        );
    }
  }

  #issue<T extends string | number>(value: T): T {
    this.#issued.add(String(value));
    return value;
  }
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];

const FORMATS = {
  "uuid": /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
  "date": /^\d{4}-\d\d-\d\d$/,
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  "email": /^[^@ ]+@[^@ ]+\.\w+$/,
  "uri": /^https?:\/\/\S+$/,
};

/** A schema whose references lead into the document. */
function absolute(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(absolute);
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      key === "$ref" && typeof value === "string" ? `document${value}` : absolute(value),
    ]),
  );
}

/** JSON Schema has limits as numbers, where OpenAPI 3.0 says that a limit is exclusive. */
function withNumericLimits(part: unknown): unknown {
  if (typeof part !== "object" || part === null) return part;
  const own = part as Json;
  for (const value of Object.values(own)) withNumericLimits(value);
  if (own.exclusiveMinimum === true) own.exclusiveMinimum = own.minimum;
  if (own.exclusiveMaximum === true) own.exclusiveMaximum = own.maximum;
  return own;
}
