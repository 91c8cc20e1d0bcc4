/**
 * What a call returns.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import type { CheckResult, CheckSink } from "../http/http_response.ts";
import type { WireResponse } from "../http/transport.ts";
import { GrpcMetadata } from "./metadata.ts";
import type { EndedCall } from "./calls.ts";
import { codeOf, type GrpcStatus } from "./status.ts";

/** A message whose type is not known: any field can be read. */
export type AnyMessage = Awaited<ReturnType<Response["json"]>>;

/** How a call has ended. */
export class GrpcResponse<Message = AnyMessage> {
  /**
   * The message, with fields in camel case; of a stream, the last one. `null` if there is none.
   *
   * Fields have the form of protobuf's JSON: names for enums, strings for 64-bit integers and timestamps. Bytes are a
   * `Uint8Array`. Fields that were not set have their default values; optional ones and messages are missing.
   */
  readonly message: Message | null;
  /** The name of the status code. */
  readonly status: GrpcStatus;
  /** The status code: 0 for `OK`. */
  readonly code: number;
  /** What the server says about the status. */
  readonly details: string;
  /** Milliseconds from sending the call to its end. */
  readonly latencyMs: number;
  readonly #ended: EndedCall;
  readonly #check: CheckResult | null;
  readonly #checks: CheckSink;
  #metadata: GrpcMetadata | null = null;
  #trailers: GrpcMetadata | null = null;

  /** @internal The check decides by `check` how the call counts; it is `null` without one. */
  constructor(
    message: Message | null,
    ended: EndedCall,
    latencyMs: number,
    check: CheckResult | null,
    checks: CheckSink,
  ) {
    this.message = message;
    this.status = ended.status.status;
    this.code = codeOf(this.status);
    this.details = ended.status.details;
    this.latencyMs = latencyMs;
    this.#ended = ended;
    this.#check = check;
    this.#checks = checks;
  }

  /** @internal What HTTP has received; `null` if the client has ended the call. */
  static wire(res: GrpcResponse): WireResponse | null {
    return res.#ended.response;
  }

  /** Whether the status is `OK`. */
  get ok(): boolean {
    return this.code === 0;
  }

  /** What the server sent before its messages. */
  get metadata(): GrpcMetadata {
    return this.#metadata ??= GrpcMetadata.received(this.#ended.headers);
  }

  /** What the server sent after its messages. */
  get trailers(): GrpcMetadata {
    return this.#trailers ??= GrpcMetadata.received(this.#ended.trailers);
  }

  /**
   * Counts the call as a failure, whatever its status. Call it in a check.
   *
   * @param why the error that reports show; use only a few different ones.
   * @throws Error if the call has already been counted, because it was called outside its check.
   */
  failure(why: string): void {
    this.#decide(why === "" ? "failed" : errorText(why));
  }

  /**
   * Counts the call as a success, whatever its status. Call it in a check.
   *
   * @throws Error if the call has already been counted, because it was called outside its check.
   */
  success(): void {
    this.#decide(null);
  }

  /**
   * Counts whether something was as expected. It does not fail the call: reports show how often each check passed.
   *
   * @param name the name in reports; use only a few different ones.
   * @param ok whether it passed: any value, which counts as in an `if`.
   * @returns `ok` as `true` or `false`.
   * @throws TypeError if `ok` is a function or a promise, which would always pass.
   */
  check(name: string, ok: unknown): boolean {
    return this.#checks.check(name, ok);
  }

  #decide(error: string | null): void {
    if (this.#check === null) {
      throw new Error(
        "The call has already been counted: call success() and failure() only in its check, the function that is " +
          "the last argument of the call",
      );
    }
    this.#check.decide(error);
  }
}
