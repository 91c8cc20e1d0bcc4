/**
 * One thing that was timed: a request, or a step of any other kind.
 *
 * It is made once, where the thing ended, and goes straight into the node's table.
 */
export interface Sample {
  /** HTTP method, or whatever kind of step this was (`TASK`). */
  readonly method: string;
  /** What it is reported under. */
  readonly name: string;
  /** HTTP status; 0 where there was no response or no HTTP. */
  readonly status: number;
  /** Milliseconds from its start until the last byte of the response. */
  readonly latencyMs: number;
  /** When it ended, in milliseconds on the node's clock. */
  readonly endedAt: number;
  /** Bytes of the response's body, as they came over the wire where the transport can tell. */
  readonly bytesReceived: number;
  /** Bytes of the request's body. */
  readonly bytesSent: number;
  /** How often it was sent again before it ended. */
  readonly retries: number;
  /** Why it counts as failed: a short text of a fixed family; null where it did not fail. */
  readonly error: string | null;
}
