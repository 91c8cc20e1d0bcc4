/**
 * A response as it came over the wire, before anybody looks into it.
 *
 * Load tests mostly need the status and nothing else; so the head stays bytes until somebody asks for
 * a header, and the body stays in the pieces that it came in until somebody reads it.
 */
export interface WireMessage {
  readonly status: number;
  /** The final head, from the status line to the empty line, both included. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** The body's pieces in their order, transfer coding undone, content coding not. */
  readonly body: readonly Uint8Array<ArrayBuffer>[];
  /** Bytes of the body. */
  readonly bodyLength: number;
  /** Whether the head has at least one Set-Cookie. */
  readonly setsCookies: boolean;
  /** Whether the connection may be used again. */
  readonly reusable: boolean;
  /** Seconds that the server says it keeps an idle connection; null where it does not say. */
  readonly keepAliveSeconds: number | null;
}
