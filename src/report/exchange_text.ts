/**
 * An exchange as text, as `curl -v` shows it.
 *
 * @module
 */

import type { BodyRecord, ConnectionRecord, ExchangeRecord } from "../stats/exchange_record.ts";
import { formatAmount, formatBytes, formatLatency } from "./quantity.ts";
import { columnsOf, renderLine, type Span, span, wrap } from "./terminal.ts";

/** The space for lines of text. */
export interface LineSize {
  /** Longer lines are wrapped; `Infinity` for any length. */
  readonly columns: number;
  readonly color: boolean;
  /** Spaces in front of each line. */
  readonly indent: number;
}

/** The mark of a line, and its color: what was sent, what was received, a remark, a success or a failure. */
const MARKS = {
  ">": "busy",
  "<": "good",
  "*": "quiet",
  "✓": "good",
  "✗": "bad",
} as const satisfies Readonly<Record<string, Span["tone"]>>;

/** A mark in front of a line. */
export type Mark = keyof typeof MARKS;

/** A text of one or more lines behind a mark. */
export function markedLines(mark: Mark, text: string, size: LineSize): string[] {
  const tone = MARKS[mark];
  const left = " ".repeat(size.indent);
  const room = Math.max(MIN_COLUMNS, size.columns - size.indent - 2);
  const isWhole = mark === "*" || mark === "✓" || mark === "✗";
  return text.split("\n").flatMap((line, lineIndex) => {
    // A tab would be a picture of one.
    const plain = line.replaceAll("\t", "    ").replace(/\r$/, "");
    return broken(plain, room).map((part, index) => {
      const head = lineIndex + index === 0 || !isWhole ? mark : " ";
      const spans = [span(left), span(`${head} `, tone), span(part, isWhole ? tone : "plain")];
      return renderLine(spans, Infinity, size.color).trimEnd();
    });
  });
}

/** Narrower lines are wrapped by the terminal. */
const MIN_COLUMNS = 20;

/** A line in parts that fit. Spaces at its start are kept. */
function broken(line: string, columns: number): string[] {
  if (columnsOf(line) <= columns) return [line];
  const [indent = ""] = /^ */.exec(line) ?? [];
  const kept = indent.slice(0, columns / 2);
  return wrap(line.slice(indent.length), columns - kept.length).map((part) => kept + part);
}

/** The lines of an exchange. */
export function exchangeLines(record: ExchangeRecord, size: LineSize): string[] {
  const add = (mark: Mark, text: string): string[] => markedLines(mark, text, size);
  return [
    ...record.connections.flatMap((one, index) => connectionLines(one, record, index, add)),
    ...(record.note === "" ? [] : add("*", record.note)),
    ...record.requestHead.flatMap((line) => add(">", line)),
    ...bodyLines(">", record.requestBody, add),
    ...record.responseHead.flatMap((line) => add("<", line)),
    ...(record.status === 0 ? [] : bodyLines("<", record.responseBody, add)),
    ...record.cookies.flatMap((cookie) => add("*", `Cookie set: ${cookie}`)),
    ...(record.error === null ? [] : add("✗", record.error)),
    ...timingLines(record, add),
  ];
}

type AddLines = (mark: Mark, text: string) => string[];

function connectionLines(
  { remote, isReused, tls, failure }: ConnectionRecord,
  { connections, isSecure, dnsMs, connectMs, tlsMs }: ExchangeRecord,
  index: number,
  add: AddLines,
): string[] {
  const where = remote ?? "an address that is not known";
  const isLast = index === connections.length - 1;
  const steps = [["DNS", dnsMs], ["connect", connectMs], ["TLS", tlsMs]] as const;
  const times = isReused || !isLast ? [] : steps.filter(([, ms]) => ms >= 0)
    .map(([name, ms]) => `${name} ${formatLatency(ms)} ms`);
  const took = times.length === 0 ? "" : ` (${times.join(", ")})`;
  const tlsText = tls.length > 0
    ? `TLS: ${tls.join("; ")}`
    : isSecure && !isReused
    ? "TLS: the runtime does not tell its version, cipher and certificate here"
    : null;
  return [
    ...add("*", isReused ? `Reused connection to ${where}` : `New connection to ${where}${took}`),
    ...(tlsText === null || isReused ? [] : add("*", tlsText)),
    ...(failure === null || isLast
      ? []
      : add("*", `No response on it: ${failure}. The request is sent again.`)),
  ];
}

function bodyLines(mark: ">" | "<", body: BodyRecord | null, add: AddLines): string[] {
  if (body === null) return add(mark, "");
  const { text, isCut, what, events, isLeft = false } = body;
  const count = events === undefined ? "" : `${formatAmount(events, "event")}, `;
  const size = count + sizeText(body) + (isLeft ? "; the test read no more of it" : "");
  if (text === null) return [...add(mark, ""), ...add("*", `Body: ${what}, ${size}`)];
  const isSaid = isCut || isLeft || body.coding !== "" || events !== undefined;
  return [
    ...add(mark, ""),
    ...add(mark, text.replace(/\n$/, "")),
    ...(isSaid ? add("*", `${isCut ? "The rest is not shown. " : ""}Body: ${size}`) : []),
  ];
}

function sizeText({ bytes, wireBytes, coding }: BodyRecord): string {
  const own = bytes >= 0 ? bytes : wireBytes;
  if (own < 0) return "of unknown size";
  if (coding === "") return formatBytes(own);
  return bytes < 0
    ? `${formatBytes(wireBytes)} as ${coding}`
    : `${formatBytes(bytes)}, sent as ${formatBytes(wireBytes)} of ${coding}`;
}

function timingLines(
  { firstByteMs, downloadMs, totalMs }: ExchangeRecord,
  add: AddLines,
): string[] {
  if (totalMs < 0) return [];
  const parts = [
    ...(firstByteMs < 0 ? [] : [`first byte ${formatLatency(firstByteMs)} ms`]),
    ...(downloadMs < 0 ? [] : [`download ${formatLatency(downloadMs)} ms`]),
    `total ${formatLatency(totalMs)} ms`,
  ];
  return add("*", `Time: ${parts.join(", ")}`);
}
