import type { SentBody } from "./body_sender.ts";

/** What goes over the wire for one request. */
export interface Outgoing {
  readonly method: string;
  /** The head; and the body behind it, where that is small. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many of the {@link bytes} are the body. */
  readonly bodyInBytes: number;
  /** The body where it is not in {@link bytes}; null where all of it is. */
  readonly body: SentBody | null;
  /** Whether the server is to say that it wants the body before it is sent. */
  readonly expectsContinue: boolean;
}
