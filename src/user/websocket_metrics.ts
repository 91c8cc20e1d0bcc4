/**
 * What is counted in metrics about the WebSockets of users.
 *
 * @module
 */

import { CLOSE_CODES } from "../websocket/frames.ts";
import type { MessageCounter } from "../websocket/websocket_connection.ts";
import { type DeclaredMetric, metrics } from "./metrics.ts";

const SENT = "ws_messages_sent";
const RECEIVED = "ws_messages_received";
const BYTES_SENT = "ws_bytes_sent";
const BYTES_RECEIVED = "ws_bytes_received";
const CLOSES = "ws_closes_";
const DECLARED: readonly string[] = [
  SENT,
  RECEIVED,
  BYTES_SENT,
  BYTES_RECEIVED,
  `${CLOSES}${CLOSE_CODES.abnormal}`,
];

/** From here on, libraries and applications choose codes: two thousand of them. */
const FIRST_CHOSEN_CODE = 3000;
/** How many of each thousand are told apart. */
const CHOSEN_CODES = 20;

/** Counts in metrics. */
export const MESSAGE_METRICS: MessageCounter = {
  sent(bytes): void {
    metrics.count(SENT, 1);
    metrics.count(BYTES_SENT, bytes);
  },
  received(bytes): void {
    metrics.count(RECEIVED, 1);
    metrics.count(BYTES_RECEIVED, bytes);
  },
  closed(code): void {
    // There can be 200 metrics at most.
    const isOther = code >= FIRST_CHOSEN_CODE && code % 1000 >= CHOSEN_CODES;
    const family = isOther ? "other" : String(code);
    metrics.count(`${CLOSES}${family}`, 1);
  },
};

/** Makes the metrics known before the run: reports show them, and thresholds can use them. */
export function declareMessageMetrics(): void {
  for (const name of DECLARED) metrics.counter(name);
}

/**
 * The metrics of closes that reports show only if there are such closes. Thresholds can use them before.
 *
 * @param declared the metrics of the test file. If it has no WebSocket, there are none.
 */
export function closeMetrics(declared: readonly DeclaredMetric[]): DeclaredMetric[] {
  if (!declared.some(({ name }) => name === SENT)) return [];
  const codes = [
    ...codesFrom(1000, 16).filter((code) => code !== CLOSE_CODES.abnormal),
    ...codesFrom(FIRST_CHOSEN_CODE, CHOSEN_CODES),
    ...codesFrom(FIRST_CHOSEN_CODE + 1000, CHOSEN_CODES),
    "other",
  ];
  return codes.map((code) => ({
    name: `${CLOSES}${code}`,
    type: "counter",
    unit: "",
    isBuiltIn: true,
  }));
}

function codesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
