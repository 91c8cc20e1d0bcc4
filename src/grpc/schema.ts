/**
 * What a server offers: its services and methods, from `.proto` files or from descriptors.
 *
 * @module
 */

import { dirname, isAbsolute, join, resolve } from "node:path";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor.js";
import { messageText, systemReason, UsageError } from "../core/errors.ts";
import { nearestWord } from "../core/spelling.ts";
import { shown } from "../core/text.ts";
import { MessageType } from "./message_types.ts";

/** A method of a service. */
export interface GrpcMethod {
  /** Such as `shop.Catalog/GetItem`. */
  readonly name: string;
  readonly request: MessageType;
  readonly response: MessageType;
  /** Whether the client sends any number of messages, instead of one. */
  readonly streamsRequests: boolean;
  /** Whether the server does. */
  readonly streamsResponses: boolean;
}

/** The services that are known. */
export class GrpcSchema {
  readonly #services: readonly protobuf.Service[];
  readonly #codecs = new Map();
  readonly #methods = new Map<string, GrpcMethod>();

  constructor(root: protobuf.Root) {
    this.#services = servicesIn(root);
  }

  /** The names of all methods, such as `shop.Catalog/GetItem`. */
  get methodNames(): string[] {
    return this.#services.flatMap((service) =>
      service.methodsArray.map((method) => nameOf(service, method.name))
    );
  }

  /** The names of all services, with their packages. */
  get serviceNames(): string[] {
    return this.#services.map(({ fullName }) => fullName.slice(1));
  }

  /**
   * A method by its name, with or without the package if that is unique, such as `shop.Catalog/GetItem`.
   *
   * @throws TypeError that names what is accepted, if there is none.
   */
  method(name: string): GrpcMethod {
    const known = this.#methods.get(name);
    if (known !== undefined) return known;
    const found = this.#find(splitName(name), name);
    this.#methods.set(name, found);
    return found;
  }

  #find([serviceName, methodName]: readonly [string, string], given: string): GrpcMethod {
    const isOf = ({ fullName }: protobuf.Service): boolean =>
      fullName === `.${serviceName}` || fullName.endsWith(`.${serviceName}`);
    const exact = this.#services.filter(({ fullName }) => fullName === `.${serviceName}`);
    const [service, other] = exact.length > 0 ? exact : this.#services.filter(isOf);
    if (other !== undefined) {
      throw new TypeError(
        `the method ${shown(given)}: ${service!.fullName.slice(1)} and ${
          other.fullName.slice(1)
        } both match; write the package, too`,
      );
    }
    const method = service?.methods[methodName];
    if (service === undefined || method === undefined) throw this.#unknown(given);
    return {
      name: nameOf(service, method.name),
      request: new MessageType(method.resolvedRequestType!, this.#codecs),
      response: new MessageType(method.resolvedResponseType!, this.#codecs),
      streamsRequests: method.requestStream === true,
      streamsResponses: method.responseStream === true,
    };
  }

  #unknown(given: string): TypeError {
    const names = this.methodNames;
    const near = nearName(given, names);
    const all = names.length === 0
      ? "the proto files have no service"
      : `expected ${names.slice(0, MOST_NAMES).join(", ")}${names.length > MOST_NAMES ? " …" : ""}`;
    return new TypeError(
      `the method ${shown(given)} is unknown; ${near === null ? all : `did you mean ${near}?`}`,
    );
  }
}

/** The known name that is nearest to one with or without its package; `null` if none is near. */
function nearName(given: string, names: readonly string[]): string | null {
  const text = given.replace(/^\//, "");
  const short = names.map((name) => name.slice(name.lastIndexOf(".", name.indexOf("/")) + 1));
  const near = nearestWord(text, text.includes(".") ? names : short, { lettersPerMistake: 4 });
  return near === null || text.includes(".") ? near : names[short.indexOf(near)]!;
}

/** More names would make a message too long. */
const MOST_NAMES = 12;

function nameOf({ fullName }: protobuf.Service, method: string): string {
  return `${fullName.slice(1)}/${method}`;
}

/**
 * The service and the method of a name: `shop.Catalog/GetItem`, also with a slash before it, or with a dot in place of
 * the last slash.
 *
 * @throws TypeError if it is none.
 */
export function splitName(name: string): readonly [service: string, method: string] {
  const text = typeof name === "string" ? name.replace(/^\//, "") : "";
  const at = text.includes("/") ? text.lastIndexOf("/") : text.lastIndexOf(".");
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new TypeError(`the method is ${shown(name)}, expected a name like "shop.Catalog/GetItem"`);
}

function servicesIn(parent: protobuf.NamespaceBase): protobuf.Service[] {
  return parent.nestedArray.flatMap((one) =>
    one instanceof protobuf.Service
      ? [one]
      : one instanceof protobuf.Namespace
      ? servicesIn(one)
      : []
  );
}

/** The files that can be read. */
export interface ProtoReader {
  /** Whether the path leads to a file. */
  isFile(path: string): Promise<boolean>;
  /** Rejects with errors of the system. */
  readTextFile(path: string): Promise<string>;
}

/** Which `.proto` files make a schema. */
export interface ProtoFiles {
  /** As they were written: relative to the folder, or absolute. */
  readonly files: readonly string[];
  /** That of the test file. */
  readonly folder: string;
  /** Folders in which imports are looked for, too, relative to the folder. */
  readonly importFolders: readonly string[];
  /** Where they are named, for messages, such as `ShopTest.proto`. */
  readonly place: string;
}

/** A schema, and the full paths of the files that it was read from. */
export interface LoadedSchema {
  readonly schema: GrpcSchema;
  readonly paths: readonly string[];
}

/**
 * Reads `.proto` files and what they import.
 *
 * @throws UsageError that names the file, if one is missing or invalid.
 */
export async function loadSchema(reader: ProtoReader, files: ProtoFiles): Promise<LoadedSchema> {
  const loader = new ProtoLoader(reader, files);
  for (const file of files.files) await loader.add(file);
  return { schema: loader.finish(), paths: loader.paths };
}

class ProtoLoader {
  readonly #reader: ProtoReader;
  readonly #files: ProtoFiles;
  readonly #root = new protobuf.Root();
  /** Full paths, and names of files that come with protobufjs. */
  readonly #added = new Set<string>();
  readonly paths: string[] = [];

  constructor(reader: ProtoReader, files: ProtoFiles) {
    this.#reader = reader;
    this.#files = files;
  }

  /** Adds a file that the test file names. */
  async add(file: string): Promise<void> {
    const path = resolve(this.#files.folder, file);
    if (!await this.#reader.isFile(path)) {
      throw new UsageError(
        `${this.#files.place}: there is no file ${path}`,
        isAbsolute(file) ? "" : "The path is relative to the folder of the test file.",
      );
    }
    await this.#parse(path);
  }

  /** Ends with a schema, if all types are there. */
  finish(): GrpcSchema {
    try {
      this.#root.resolveAll();
    } catch (error) {
      const reason = reasonOf(error);
      const [, missing] = /^no such type: (.+)$/.exec(reason) ?? [];
      const method = missing === undefined ? undefined : methodWith(missing, this.#root);
      const where = method === undefined ? "" : `, in ${method.fullName.slice(1)}`;
      throw new UsageError(`${this.#files.place}: ${reason}${where} (${this.paths.join(", ")})`);
    }
    return new GrpcSchema(this.#root);
  }

  async #parse(path: string): Promise<void> {
    if (this.#added.has(path)) return;
    this.#added.add(path);
    this.paths.push(path);
    let text: string;
    try {
      text = await this.#reader.readTextFile(path);
    } catch (error) {
      throw new UsageError(`${this.#files.place}: cannot read ${path}: ${systemReason(error)}`);
    }
    let imports: readonly string[];
    try {
      const parsed = protobuf.parse(text, this.#root);
      imports = [...parsed.imports ?? [], ...parsed.weakImports ?? []];
    } catch (error) {
      throw new UsageError(`${this.#files.place}: ${path}: ${reasonOf(error)}`);
    }
    for (const name of imports) await this.#import(name, path);
  }

  async #import(name: string, importer: string): Promise<void> {
    const { folder, importFolders, place } = this.#files;
    const common = name.startsWith("google/protobuf/") ? protobuf.common.get(name) : null;
    if (common !== null) return this.#addCommon(name, [common]);
    const folders = [
      dirname(importer),
      folder,
      ...importFolders.map((one) => resolve(folder, one)),
    ];
    for (const one of new Set(folders)) {
      const path = join(one, name);
      if (await this.#reader.isFile(path)) return await this.#parse(path);
    }
    const known = await wellKnown(name);
    if (known !== null) return this.#addCommon(name, known);
    throw new UsageError(
      `${place}: ${importer} imports ${JSON.stringify(name)}, which is not in ${
        [...new Set(folders)].join(", ")
      }`,
      'Name the folder that the path begins at: static override protoFolders = ["protos"].',
    );
  }

  #addCommon(name: string, parts: readonly protobuf.INamespace[]): void {
    if (this.#added.has(name)) return;
    this.#added.add(name);
    for (const { nested } of parts) addMissing(this.#root, nested);
  }
}

/** A method that has messages of a type. Only methods of a missing type are not named by protobufjs. */
function methodWith(type: string, root: protobuf.NamespaceBase): protobuf.Method | undefined {
  return servicesIn(root).flatMap(({ methodsArray }) => methodsArray)
    .find(({ requestType, responseType }) => requestType === type || responseType === type);
}

/** Adds what is not there: files of protobufjs contain parts of each other. */
function addMissing(parent: protobuf.NamespaceBase, nested: protobuf.INamespace["nested"]): void {
  for (const [name, json] of Object.entries(nested ?? {})) {
    const known = parent.get(name);
    if (known === null) parent.addJSON({ [name]: json });
    else if (known instanceof protobuf.Namespace && !(known instanceof protobuf.Type)) {
      addMissing(known, (json as protobuf.INamespace).nested);
    }
  }
}

/** Files of Google that protobufjs has beside its code, with what they import; `null` if it does not have one. */
async function wellKnown(name: string): Promise<readonly protobuf.INamespace[] | null> {
  switch (name) {
    case "google/api/annotations.proto":
      return [
        (await import("protobufjs/google/api/http.json", JSON_MODULE)).default,
        (await import("protobufjs/google/api/annotations.json", JSON_MODULE)).default,
      ];
    case "google/api/http.proto":
      return [(await import("protobufjs/google/api/http.json", JSON_MODULE)).default];
    case "google/protobuf/descriptor.proto":
      return [(await import("protobufjs/google/protobuf/descriptor.json", JSON_MODULE)).default];
    default:
      return null;
  }
}

const JSON_MODULE = { with: { type: "json" } } as const;

/** What protobufjs says, without the kind of its error. */
function reasonOf(error: unknown): string {
  return messageText(error).replace(/^\w*Error: /, "");
}

/**
 * A schema from descriptors as servers send them.
 *
 * @param descriptors each an encoded `FileDescriptorProto`.
 * @throws Error if they are invalid, or if one that they depend on is missing.
 */
export function schemaOfDescriptors(descriptors: readonly Uint8Array[]): GrpcSchema {
  const writer = protobuf.Writer.create();
  // The field `file` of a FileDescriptorSet.
  for (const descriptor of descriptors) writer.uint32(10).bytes(descriptor);
  return new GrpcSchema(protobuf.Root.fromDescriptor(writer.finish()));
}
