/**
 * Asks a server for its services and types: the reflection service of gRPC, in both versions that servers have.
 *
 * @module
 */

import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { nearestWord } from "../core/spelling.ts";
import { shown } from "../core/text.ts";
import type { Fields } from "./message_types.ts";
import { type GrpcMethod, GrpcSchema, schemaOfDescriptors, splitName } from "./schema.ts";
import type { EndedCall } from "./calls.ts";

/** What a server answers to all messages of a call. */
export interface Answer {
  readonly ended: EndedCall;
  readonly messages: readonly Fields[];
}

/** Calls a method with all of its messages at once. Rejects with a RequestError if there is no status. */
export type Ask = (method: GrpcMethod, messages: readonly Fields[]) => Promise<Answer>;

/** The server has ended a call of reflection with another status than `OK`. */
export class ReflectionError extends Error {
  override readonly name = "ReflectionError";
  readonly ended: EndedCall;

  constructor(ended: EndedCall) {
    super(`the server's reflection: ${ended.status.status}: ${ended.status.details}`);
    this.ended = ended;
  }
}

const PROTO = `
  syntax = "proto3";
  message Request {
    oneof message_request {
      string file_by_filename = 3;
      string file_containing_symbol = 4;
      string list_services = 7;
    }
  }
  message Response {
    oneof message_response {
      FileResponse file_descriptor_response = 4;
      ListResponse list_services_response = 6;
      ErrorResponse error_response = 7;
    }
  }
  message FileResponse { repeated bytes file_descriptor_proto = 1; }
  message ListResponse { repeated ServiceResponse service = 1; }
  message ServiceResponse { string name = 1; }
  message ErrorResponse { int32 error_code = 1; string error_message = 2; }
  service ServerReflection {
    rpc ServerReflectionInfo(stream Request) returns (stream Response);
  }
`;

/** The newer one first. */
const VERSIONS = ["v1", "v1alpha"];

/** More files would be those of a server that never says the last one. */
const MAX_FILES = 1_000;

/** The services of one server. */
export class Reflection {
  readonly #ask: Ask;
  readonly #method = new GrpcSchema(protobuf.parse(PROTO).root.resolveAll() as protobuf.Root)
    .method(
      "ServerReflection/ServerReflectionInfo",
    );
  #version: string | null = null;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /**
   * What the server has of the service of a method.
   *
   * @throws TypeError if it has no such service. RequestError or ReflectionError if it cannot be asked.
   */
  async schemaFor(methodName: string): Promise<GrpcSchema> {
    const service = this.#serviceOf(methodName, await this.#services());
    const files = new Map<string, Uint8Array>();
    const wanted = await this.#files([{ fileContainingSymbol: service }], files);
    while (wanted.size > 0) {
      const requests = [...wanted].map((fileByFilename) => ({ fileByFilename }));
      for (const name of await this.#files(requests, files)) wanted.add(name);
      for (const name of files.keys()) wanted.delete(name);
      if (files.size > MAX_FILES) throw new TypeError(`${service} needs over ${MAX_FILES} files`);
    }
    return schemaOfDescriptors([...files.values()]);
  }

  async #services(): Promise<string[]> {
    const [answer] = await this.#request([{ listServices: "" }]);
    const { service = [] } = (answer?.listServicesResponse ?? {}) as { service?: Fields[] };
    return service.map(({ name }) => String(name));
  }

  #serviceOf(methodName: string, services: readonly string[]): string {
    const [wanted] = splitName(methodName);
    if (services.includes(wanted)) return wanted;
    const [match, other] = services.filter((one) => one.endsWith(`.${wanted}`));
    if (match !== undefined && other === undefined) return match;
    const near = nearestWord(wanted, services);
    throw new TypeError(
      `the method ${shown(methodName)} is unknown: the server has the services ${
        services.join(", ")
      }${near === null ? "" : `; did you mean ${near}?`}`,
    );
  }

  /** Adds files; returns the names of those that they depend on and that are missing. */
  async #files(requests: readonly Fields[], files: Map<string, Uint8Array>): Promise<Set<string>> {
    const before = files.size;
    const needed = new Set<string>();
    for (const answer of await this.#request(requests)) {
      const { errorMessage } = (answer.errorResponse ?? {}) as Fields;
      if (errorMessage !== undefined) {
        throw new TypeError(`the server's reflection: ${errorMessage}`);
      }
      const response = (answer.fileDescriptorResponse ?? {}) as {
        fileDescriptorProto?: Uint8Array[];
      };
      for (const bytes of response.fileDescriptorProto ?? []) {
        const { name, dependency } = descriptor.FileDescriptorProto.decode(bytes);
        files.set(name ?? "", bytes);
        for (const one of dependency ?? []) needed.add(one);
      }
    }
    for (const name of files.keys()) needed.delete(name);
    if (files.size === before) throw new TypeError("the server's reflection: it has sent no file");
    return needed;
  }

  async #request(messages: readonly Fields[]): Promise<readonly Fields[]> {
    const versions = this.#version === null ? VERSIONS : [this.#version];
    for (const version of versions) {
      const name = `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const { ended, messages: answers } = await this.#ask({ ...this.#method, name }, messages);
      const { status } = ended.status;
      if (status === "UNIMPLEMENTED" && version !== versions.at(-1)) continue;
      if (status !== "OK") throw new ReflectionError(ended);
      this.#version = version;
      return answers;
    }
    return [];
  }
}
