import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Channel } from "./channel.ts";
import type { Message } from "./message.ts";
import { peerText } from "./peer_text.ts";
import { ProtocolError } from "./protocol_error.ts";

/**
 * Waits for the peer's next message; null: it has closed the connection.
 *
 * Throws a ProtocolError where the peer refuses, sends what is no message, or takes too long; `ifLate`
 * says what is said of that.
 */
export type NextMessage = (ifLate?: string) => Promise<Message | null>;

const HANDSHAKE_SECONDS = 2;

const TOO_LATE = `the handshake took longer than ${HANDSHAKE_SECONDS} s`;

/**
 * Talks with a peer that is not known yet, for 2 s at most. Where that fails the peer is told why, as
 * far as it listens, and the channel is closed before this rejects.
 *
 * Rejects with what `talk` and its messages throw.
 */
export async function handshake<Result>(
  channel: Channel,
  clock: Clock,
  talk: (next: NextMessage) => Promise<Result>,
): Promise<Result> {
  const late = Promise.withResolvers<"late">();
  const timer = clock.setTimer(() => late.resolve("late"), HANDSHAKE_SECONDS * 1000);
  let refused = false;
  const next = async (ifLate = TOO_LATE): Promise<Message | null> => {
    // The limit comes first: a peer that talks without end must not outrun it.
    const message = await Promise.race([late.promise, channel.receive()]);
    if (message === "late") throw new ProtocolError("busy", ifLate);
    if (message?.type !== "ERROR") return message;
    refused = true;
    throw new ProtocolError(message.code, peerText(message.text));
  };
  try {
    return await talk(next);
  } catch (error) {
    if (refused) channel.close();
    else channel.refuse(asProtocolError(error), clock);
    await channel.flushed();
    throw error;
  } finally {
    clock.clearTimer(timer);
  }
}

function asProtocolError(error: unknown): ProtocolError {
  return error instanceof ProtocolError ? error : new ProtocolError("busy", errorText(error));
}
