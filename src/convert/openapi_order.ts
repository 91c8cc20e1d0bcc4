/**
 * In which order the operations of an API make sense, and which takes what another returns.
 *
 * @module
 */

import { asList, asObject } from "./document.ts";
import type { JsonPath } from "./draft.ts";
import type { Operation } from "./openapi_operations.ts";
import { type SchemaValues, singular } from "./schema_values.ts";

/** A value that an operation returns, and others need. */
export interface Provided {
  readonly operation: Operation;
  readonly path: JsonPath;
  readonly schema: unknown;
}

/**
 * The operations as a user would call them: by resource, what creates before what reads, changes and
 * deletes. What deletes comes at the very end, in reverse.
 */
export function inOrder(
  operations: readonly Operation[],
  providers: (operation: Operation) => readonly Operation[],
): Operation[] {
  const tree = new PathTree();
  for (const operation of operations) tree.add(operation);
  const sorted = tree.sorted();
  const deletes = sorted.filter(({ method }) => method === "DELETE").reverse();
  const ordered = new Set<Operation>();
  const visiting = new Set<Operation>();
  const visit = (operation: Operation): void => {
    if (ordered.has(operation) || visiting.has(operation)) return;
    visiting.add(operation);
    providers(operation).forEach(visit);
    visiting.delete(operation);
    ordered.add(operation);
  };
  sorted.filter(({ method }) => method !== "DELETE").forEach(visit);
  deletes.forEach(visit);
  return [...ordered];
}

/** What operations of the same path do, in this order. */
const COLLECTION = ["POST", "GET", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "DELETE"];
const ITEM = ["GET", "HEAD", "PUT", "PATCH", "POST", "OPTIONS", "TRACE", "DELETE"];
/** An item that no collection creates is created by its own PUT. */
const OWN_ITEM = ["PUT", ...ITEM.filter((method) => method !== "PUT")];

/** Paths by their segments. */
class PathTree {
  readonly #children = new Map<string, PathTree>();
  readonly #operations: Operation[] = [];

  add(operation: Operation): void {
    const node = segments(operation.path).reduce<PathTree>(
      (at, segment) => at.#child(segment),
      this,
    );
    node.#operations.push(operation);
  }

  #child(segment: string): PathTree {
    const key = plain(segment);
    const child = this.#children.get(key) ?? new PathTree();
    this.#children.set(key, child);
    return child;
  }

  sorted(isItem = false, isCreated = false): Operation[] {
    const order = !isItem ? COLLECTION : isCreated ? ITEM : OWN_ITEM;
    const own = [...this.#operations].sort((one, other) =>
      order.indexOf(one.method) - order.indexOf(other.method)
    );
    const creates = own.some(({ method }) => method === "POST");
    const children = [...this.#children].flatMap(([segment, child]) =>
      child.sorted(segment.includes("{}"), creates)
    );
    return [...own, ...children];
  }
}

function segments(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

/** A path without the names of its parameters. */
function plain(path: string): string {
  return path.replaceAll(/\{[^{}]*\}/g, "{}").replace(/\/+$/, "");
}

/** Finds what provides the parameters of operations. */
export class Providers {
  readonly #operations: readonly Operation[];
  readonly #values: SchemaValues;

  constructor(operations: readonly Operation[], values: SchemaValues) {
    this.#operations = operations;
    this.#values = values;
  }

  /** What provides a parameter in the path of an operation; `null` if nothing does. */
  ofPath(operation: Operation, name: string): Provided | null {
    return this.#linked(operation, name) ?? this.#fromCollection(operation, name) ??
      this.byName(operation, name);
  }

  /** What returns a property of exactly this name, if the name says what it is; `null` if nothing does. */
  byName(operation: Operation, name: string): Provided | null {
    if (!isSpecific(name)) return null;
    for (const other of this.#operations) {
      if (other.method !== "POST" || other === operation) continue;
      const found = this.#search(other, [name], false);
      if (found !== null) return found;
    }
    return null;
  }

  #linked(operation: Operation, name: string): Provided | null {
    const reference = `#/paths/${
      operation.path.replaceAll("~", "~0").replaceAll("/", "~1")
    }/${operation.method.toLowerCase()}`;
    for (const other of this.#operations) {
      const link = other.links.find((one) =>
        one.parameter === name &&
        (one.operation === operation.operationId || one.operation === reference)
      );
      if (link === undefined || other === operation) continue;
      return { operation: other, path: link.path, schema: this.#at(other.result, link.path) };
    }
    return null;
  }

  #fromCollection(operation: Operation, name: string): Provided | null {
    const collection = collectionOf(operation.path, name);
    const names = candidates(name, collection);
    const resource = segments(collection).at(-1);
    const isSame = ({ path }: Operation): boolean => plain(path) === plain(collection);
    // Such as `POST /issues/{}/comments` for `/comments/{}`.
    const isNested = ({ path }: Operation): boolean => segments(path).at(-1) === resource;
    // Such as `GET /pets/search`.
    const isBelow = ({ path, method }: Operation): boolean =>
      method === "GET" && plain(path).startsWith(`${plain(collection)}/`) &&
      path.split("{").length === collection.split("{").length;
    for (const isCollection of [isSame, isNested, isBelow]) {
      for (const method of ["POST", "GET"]) {
        for (const other of this.#operations) {
          if (other.method !== method || other === operation || !isCollection(other)) continue;
          const found = this.#search(other, names, method === "GET");
          if (found !== null) return found;
        }
      }
    }
    return null;
  }

  /** Looks for a property in what an operation returns, also in one object or list around it. */
  #search(operation: Operation, names: readonly string[], inList: boolean): Provided | null {
    const found = this.#find(operation.result, names, inList, 0);
    return found === null ? null : { operation, ...found };
  }

  #find(
    schema: unknown,
    names: readonly string[],
    inList: boolean,
    depth: number,
  ): Omit<Provided, "operation"> | null {
    if (schema === undefined || depth > 2) return null;
    const flat = this.#withFirstChoice(schema);
    if (flat.items !== undefined) {
      if (!inList) return null;
      return prefixed(0, this.#find(flat.items, names, false, depth + 1));
    }
    const properties = Object.entries(asObject(flat.properties));
    if (!inList) {
      for (const name of names) {
        const property = properties.find(([key]) => normal(key) === normal(name));
        if (property === undefined) continue;
        const [key, own] = property;
        if (!isScalar(this.#withFirstChoice(own))) continue;
        return { path: [key], schema: own };
      }
    }
    // Such as `data` in `{ "data": { "id": 1 } }`.
    for (const [key, property] of properties) {
      const inner = this.#withFirstChoice(property);
      const isList = inner.items !== undefined;
      if (isList !== inList || (!isList && !isWrapper(key, names))) continue;
      const found = this.#find(property, names, inList, depth + 1);
      if (found !== null) return prefixed(key, found);
    }
    return null;
  }

  #withFirstChoice(schema: unknown): Record<string, unknown> {
    const flat = this.#values.flat(schema);
    const choices = [...asList(flat.oneOf), ...asList(flat.anyOf)];
    const choice = choices.map((one) => this.#values.flat(one)).find(({ type }) => type !== "null");
    return choice === undefined ? flat : this.#values.flat({ allOf: [flat, choice] });
  }

  #at(schema: unknown, path: JsonPath): unknown {
    return path.reduce((at: unknown, name) => {
      const flat = this.#withFirstChoice(at);
      return typeof name === "number" ? flat.items : asObject(flat.properties)[name];
    }, schema);
  }
}

function prefixed(
  key: string | number,
  found: Omit<Provided, "operation"> | null,
): Omit<Provided, "operation"> | null {
  return found === null ? null : { ...found, path: [key, ...found.path] };
}

function isScalar({ type, properties, items }: Record<string, unknown>): boolean {
  return properties === undefined && items === undefined && type !== "object" && type !== "array";
}

/** Objects that only hold what was asked for. */
function isWrapper(key: string, names: readonly string[]): boolean {
  const words = ["data", "result", "item", "response", "payload", "body"];
  return words.includes(normal(key)) || names.some((name) => normal(name) === `${normal(key)}id`);
}

/** The path of the collection that a parameter chooses an item of. */
export function collectionOf(path: string, name: string): string {
  return path.slice(0, path.indexOf(`{${name}}`)).replace(/\/[^/]*$/, "");
}

/** Names that the property may have which is meant by a parameter. */
function candidates(name: string, collection: string): string[] {
  const resource = singular(segments(collection).at(-1) ?? "");
  const isId = /(id|key|uuid|guid)$/i.test(name) || normal(name) === normal(resource);
  if (isId) return [name, "id", `${resource}Id`, "_id", "uuid", "guid"];
  // Such as `number` for `issue_number`.
  const own = normal(name);
  const short = own.startsWith(normal(resource)) ? own.slice(normal(resource).length) : "";
  return short === "" ? [name] : [name, short];
}

/** Whether a name says what it identifies. */
function isSpecific(name: string): boolean {
  return /.[^a-z]*(Id|_id|-id|Uuid|_uuid)$/.test(name);
}

/** A name without case, underscores and dashes. */
export function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z\d]/g, "");
}

/** A name for what a parameter identifies: `orderId` for `{id}` of `/orders/{id}`. */
export function variableText(path: string, name: string): string {
  const resource = singular(
    segments(collectionOf(path, name)).filter((one) => !one.includes("{")).at(-1) ?? "",
  );
  const generic = ["id", "uid", "uuid", "guid", "key", "name", "slug", "code", "number", "pk"];
  return generic.includes(normal(name)) && resource !== "" ? `${resource} ${name}` : name;
}
