import fc from "fast-check";
import {
  type ErrorCode,
  MESSAGE,
  type Message,
  type MessageType,
  ProtocolError,
} from "../../src/cluster/protocol.ts";
import { arbitraryOf } from "./arbitraries.ts";

/** Services that a master offers; calls of any other are answered with an error. */
const service = fc.constantFrom("counter", "queue", "feeder", "rendezvous", "message", "call");

/** Every type of message, with any valid content. */
export const messages: { readonly [T in MessageType]: fc.Arbitrary<Message<T>> } = {
  ...Object.fromEntries(
    Object.entries(MESSAGE.variants).map(([type, field]) => [type, arbitraryOf(field)]),
  ) as { readonly [T in MessageType]: fc.Arbitrary<Message<T>> },
  CALL: fc.tuple(arbitraryOf(MESSAGE.variants.CALL), service)
    .map(([call, service]) => ({ ...call, service })),
};

/** Any message. Half of them are reports, because these have the most in them. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  ...Object.values(messages),
  { arbitrary: messages.REPORT, weight: Object.keys(messages).length },
);

/** Whether an error is a refusal of this code, with this text or one like it. */
export function refusal(code: ErrorCode, text: string | RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ProtocolError && error.code === code &&
    (typeof text === "string" ? error.message === text : text.test(error.message));
}
