/**
 * The methods that the users of a class call, and what all of their calls have in common.
 *
 * @module
 */

import { callHeaders, type GrpcCompression } from "../grpc/call_terms.ts";
import type { GrpcMethod, GrpcSchema } from "../grpc/schema.ts";
import type { HeaderPairs } from "../http/transport.ts";

/** What all users of a class know about the methods that they call. */
export class ClassMethods {
  readonly #targets = new Map<string, CallTarget>();
  readonly #reflected = new Map<string, Promise<GrpcSchema>>();
  readonly #base: string;
  /** That of the class, as headers. */
  readonly metadata: HeaderPairs;

  /** @param host of their users. @param metadata that of the class, as headers. */
  constructor(host: string, metadata: HeaderPairs) {
    this.#base = host.replace(/\/+$/, "");
    this.metadata = metadata;
  }

  /** A method that was called before by this name. */
  known(name: string): CallTarget | undefined {
    return this.#targets.get(name);
  }

  /** Remembers a method by a name. */
  add(name: string, method: GrpcMethod): CallTarget {
    const target = new CallTarget(method, this.urlOf(method));
    this.#targets.set(name, target);
    return target;
  }

  /** Where a method is called. */
  urlOf({ name }: GrpcMethod): URL {
    return new URL(`${this.#base}/${name}`);
  }

  /** What the server says about a method: one answer for all that ask at the same time. */
  reflected(name: string, ask: () => Promise<GrpcSchema>): Promise<GrpcSchema> {
    const known = this.#reflected.get(name);
    if (known !== undefined) return known;
    const asked = ask();
    this.#reflected.set(name, asked);
    // After a failure, the next call asks again.
    asked.catch(() => this.#reflected.delete(name));
    return asked;
  }
}

/** A method, where it is called, and the headers of the last call. */
export class CallTarget {
  readonly method: GrpcMethod;
  /** The same object for all calls, because what is encoded for it is cached. */
  readonly url: URL;
  #headers: HeaderPairs = [];
  #metadata: HeaderPairs | null = null;
  #timeoutMs = 0;
  #compression: GrpcCompression = "none";

  constructor(method: GrpcMethod, url: URL) {
    this.method = method;
    this.url = url;
  }

  /** The headers of a call; the same array as for the last one if nothing is different. */
  headers(
    metadata: HeaderPairs,
    limitMs: number,
    compression: GrpcCompression,
  ): HeaderPairs {
    if (
      metadata === this.#metadata && limitMs === this.#timeoutMs &&
      compression === this.#compression
    ) return this.#headers;
    this.#headers = callHeaders({ metadata, timeoutMs: limitMs, compression });
    this.#metadata = metadata;
    this.#timeoutMs = limitMs;
    this.#compression = compression;
    return this.#headers;
  }
}
