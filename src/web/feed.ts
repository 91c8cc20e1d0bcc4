import type { Clock, Timer } from "../core/clock.ts";
import type { LogEntry } from "../core/logger.ts";
import { compactSummary } from "../report/summary.ts";
import type { RequestRow, Snapshot, TimelineSecond } from "../stats/snapshot.ts";
import {
  type ControlRights,
  type LiveLog,
  liveState,
  type LiveUpdate,
  type LiveView,
  type LogLine,
} from "./live_view.ts";

/** One client's stream of server-sent events, which never holds up whoever sends. */
export interface EventStream {
  /** What the client gets. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Sends bytes as they are; a client that is too far behind is cut off instead. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the stream. */
  close(): void;
}

/** Bytes that may wait for a client, unless it is one event alone: that of a long run may be longer. */
const MOST_WAITING = 8 * 1024 * 1024;

/**
 * Makes a stream.
 *
 * @param onEnd called once, when the client has gone, was cut off, or the stream was closed.
 */
export function openEventStream(onEnd: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  const end = (): void => {
    if (controller === null) return;
    controller = null;
    onEnd();
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (made) => {
      controller = made;
    },
    cancel: end,
  }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }));
  return {
    body,
    send(bytes): void {
      if (controller === null) return;
      const room = controller.desiredSize ?? 0;
      if (room < MOST_WAITING && room < bytes.length) {
        controller.error(new Error("the client does not read"));
        end();
      } else controller.enqueue(bytes);
    },
    close(): void {
      controller?.close();
      end();
    },
  };
}

/** An event as bytes. @param data text without line breaks, such as JSON. */
export function eventBytes(event: string, data: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`event: ${event}\ndata: ${data}\n\n`);
}

/** What a client ignores: it shows whoever waits that the connection lives. */
const HEARTBEAT: Uint8Array<ArrayBuffer> = new TextEncoder().encode(": still here\n\n");

const encoder = new TextEncoder();

// What has changed in a run from one moment to the next: all that a page is sent once it has seen it
// whole.

/** An update, but for what the run alone knows nothing of. */
type Changes = Omit<LiveUpdate, "live" | "exitCode">;

/**
 * The changes from one moment to a later one; null where a page had better be sent the whole: the state
 * is another one, or something that was counted has been dropped.
 */
export function liveChanges(before: Snapshot, now: Snapshot): Changes | null {
  if (before.runId !== now.runId || before.state !== now.state) return null;
  if (before.startedAt !== now.startedAt) return null;
  const [old, fresh] = [before.statistics, now.statistics];
  const requests = changedRows(old.requests, fresh.requests);
  const timeline = changedSeconds(old.timeline, fresh.timeline);
  if (requests === null || timeline === null) return null;
  const failures = fresh.failures.length !== old.failures.length ||
    countOf(fresh.failures) !== countOf(old.failures);
  const userErrors = fresh.userErrors.length !== old.userErrors.length ||
    countOf(fresh.userErrors) !== countOf(old.userErrors);
  // Only what has changed is made into what is sent.
  const summary = compactSummary({
    ...now,
    workers: [],
    statistics: {
      ...fresh,
      requests,
      timeline,
      failures: failures ? fresh.failures : [],
      userErrors: userErrors ? fresh.userErrors : [],
    },
  }, "");
  return {
    durationSeconds: summary.durationSeconds,
    complete: summary.complete,
    users: summary.users,
    totals: summary.totals,
    requests: summary.requests,
    failures: failures ? summary.failures : null,
    userErrors: userErrors ? summary.userErrors : null,
    thresholds: sameJson(before.thresholds, now.thresholds) ? null : summary.thresholds,
    warnings: sameJson(before.warnings, now.warnings) ? null : summary.warnings,
    iterations: sameJson(old.iterations, fresh.iterations) ? null : summary.iterations,
    breakingPoint: sameJson(before.breakingPoint, now.breakingPoint) ? null : summary.breakingPoint,
    timeline: summary.timeline,
  };
}

/** Rows whose counts are not what they were, and new ones; null where one is gone or has shrunk. */
function changedRows(
  before: readonly RequestRow[],
  now: readonly RequestRow[],
): RequestRow[] | null {
  const changed: RequestRow[] = [];
  // Both are in the same order: a row that is not next among the old ones is new.
  let at = 0;
  for (const row of now) {
    const old = before[at];
    if (old === undefined || old.name !== row.name || old.method !== row.method) {
      changed.push(row);
      continue;
    }
    at++;
    if (row.requests < old.requests) return null;
    // Whatever is counted is counted with a request.
    if (row.requests > old.requests) changed.push(row);
  }
  return at === before.length ? changed : null;
}

/** Seconds that are not what they were, and new ones; null where one is gone. */
function changedSeconds(
  before: readonly TimelineSecond[],
  now: readonly TimelineSecond[],
): TimelineSecond[] | null {
  const changed: TimelineSecond[] = [];
  let at = 0;
  for (const second of now) {
    const old = before[at];
    const isKnown = old !== undefined && old.second === second.second;
    if (isKnown) at++;
    // A second that nothing was added to stays the same object.
    if (old !== second) changed.push(second);
  }
  return at === before.length ? changed : null;
}

function countOf(rows: readonly { readonly count: number }[]): number {
  let sum = 0;
  for (const { count } of rows) sum += count;
  return sum;
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What a feed is made of. */
export interface LiveFeedOptions {
  readonly clock: Clock;
  readonly log: LogTail;
  /** Version of aiotest. */
  readonly version: string;
  /** The run as it is now. */
  readonly snapshot: () => Snapshot;
  /** What may be done with it now. */
  readonly rights: () => ControlRights;
}

/** Clients at once: as many as have a reason to look, and not as many as want to do harm. */
const MOST_CLIENTS = 100;

const TICK_MS = 1_000;
/** Between the updates that the run gives, by then one of them would have come. */
const OVERDUE_MS = 1_500;
const HEARTBEAT_MS = 10_000;

/**
 * Shows a run to any number of clients. Each is sent the whole when it comes, and then what has changed.
 * Everything is made once for all of them, and nothing while there is none.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #clients = new Set<EventStream>();
  /** What all clients have been told of; null while there is none. */
  #told: Snapshot | null = null;
  #exitCode: number | null = null;
  #linesTold = 0;
  /** Of what was told; null where nobody has asked for it yet. */
  #view: Uint8Array<ArrayBuffer> | null = null;
  #lastUpdate = "";
  #toldAt = 0;
  #sentAt = 0;
  #timer: Timer | null = null;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /** How many clients there are. */
  get clients(): number {
    return this.#clients.size;
  }

  /** A new client's stream; null where there are enough of them. */
  join(): EventStream["body"] | null {
    if (this.#clients.size >= MOST_CLIENTS) return null;
    if (this.#told === null) {
      this.#tell(this.#options.snapshot());
      this.#timer = this.#later();
    }
    this.#sendLog();
    const view = this.#view ??= this.#viewBytes();
    const client = openEventStream(() => this.#leave(client));
    this.#clients.add(client);
    client.send(view);
    return client.body;
  }

  /** Tells all clients of the run as it is now. @param exitCode null while it goes on. */
  update(snapshot: Snapshot, exitCode: number | null): void {
    const isNew = exitCode !== this.#exitCode;
    this.#exitCode = exitCode;
    if (this.#told === null) return;
    const changes = isNew ? null : liveChanges(this.#told, snapshot);
    this.#sendLog();
    if (changes === null) {
      this.#tell(snapshot);
      this.#send(this.#view ??= this.#viewBytes());
      return;
    }
    const live = liveState(snapshot, this.#options.rights());
    const text = JSON.stringify({ live, ...changes, exitCode } satisfies LiveUpdate);
    this.#tell(snapshot);
    // A run that waits or has ended has nothing new to say.
    if (text === this.#lastUpdate) return;
    this.#lastUpdate = text;
    this.#send(eventBytes("update", text));
  }

  /** Ends all streams. */
  close(): void {
    for (const client of [...this.#clients]) client.close();
  }

  #tell(snapshot: Snapshot): void {
    this.#told = snapshot;
    this.#toldAt = this.#options.clock.now();
    this.#view = null;
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#sentAt = this.#options.clock.now();
    for (const client of [...this.#clients]) client.send(bytes);
  }

  #sendLog(): void {
    const { log } = this.#options;
    const lines = log.since(this.#linesTold);
    this.#linesTold = log.count;
    if (lines.length === 0) return;
    this.#view = null;
    this.#send(eventBytes("log", JSON.stringify({ lines } satisfies LiveLog)));
  }

  /** The view of what was told, all lines of the log included. */
  #viewBytes(): Uint8Array<ArrayBuffer> {
    const { version, rights, log } = this.#options;
    const snapshot = this.#told!;
    const view: LiveView = {
      ...compactSummary(snapshot, version),
      exitCode: this.#exitCode,
      live: { ...liveState(snapshot, rights()), log: log.since(0) },
    };
    this.#lastUpdate = "";
    return eventBytes("view", JSON.stringify(view));
  }

  #later(): Timer {
    return this.#options.clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** The run gives its updates itself; before its start and after its end, nobody does. */
  #tick(): void {
    const { clock, snapshot } = this.#options;
    this.#timer = this.#later();
    if (clock.now() - this.#toldAt >= OVERDUE_MS) this.update(snapshot(), this.#exitCode);
    if (clock.now() - this.#sentAt >= HEARTBEAT_MS) this.#send(HEARTBEAT);
  }

  #leave(client: EventStream): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    this.#told = null;
    this.#view = null;
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** Lines that are kept. */
const KEPT = 200;

/** The last lines of the log, for those who come to look. */
export class LogTail {
  #lines: LogLine[] = [];
  #count = 0;

  /** Lines that have come so far, those that are forgotten as well. */
  get count(): number {
    return this.#count;
  }

  /** Adds a line. */
  add({ at, level, text }: LogEntry): void {
    this.#count++;
    this.#lines.push({ at: new Date(at).toISOString(), level, text });
    // Not at each line: moving them all would cost a chatty log more than its lines do.
    if (this.#lines.length >= 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
  }

  /** The lines that came after the first `count`, as far as they are kept; oldest first. */
  since(count: number): readonly LogLine[] {
    const lines = Math.min(this.#count - count, KEPT);
    return lines <= 0 ? [] : this.#lines.slice(-lines);
  }
}
