/**
 * Sends a run to any number of clients as server-sent events: the whole run when a client connects,
 * then what has changed each second.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { LogEntry } from "../core/logger.ts";
import {
  compactSummary,
  failureSampleRows,
  statusesOf,
  type SummaryFailureSample,
} from "../report/summary.ts";
import type {
  CheckRow,
  ClassRow,
  GroupRow,
  LatencyHeatMap,
  MetricRow,
  RequestRow,
  RequestTotals,
  Snapshot,
  TimelineSecond,
  WorkerRow,
} from "../stats/snapshot.ts";
import type { FailureSample } from "../stats/stats_delta.ts";
import { heatChanges, historyChanges } from "./histories.ts";
import {
  type ControlPermissions,
  HEARTBEAT_MS,
  liveBreakingPoint,
  liveClass,
  type LiveLog,
  liveState,
  liveThresholds,
  type LiveUpdate,
  liveView,
  LOG_LINES,
  type LogLine,
  permissionsOf,
  workerLogs,
} from "./live_view.ts";

/** What a {@link LiveFeed} needs. */
export interface LiveFeedOptions {
  readonly clock: Clock;
  readonly log: LogTail;
  /** Version of aiotest. */
  readonly version: string;
  /** The run at this moment. */
  readonly snapshot: () => Snapshot;
  /** Clients that may be connected at the same time; never more than 100. */
  readonly maxClients: number;
  /** What clients may do at this moment. */
  readonly permissions: () => ControlPermissions;
}

/** More than a team needs, and few enough to bound the memory. */
const MAX_CLIENTS = 100;

const TICK_MS = 1_000;
/** The run sends an update every second; after this long without one, the feed takes its own. */
const OVERDUE_MS = 1_500;

/**
 * Streams a run to its clients. Each message is built once and shared by all clients, and nothing is
 * built while no client is connected.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  /** With why each of them may not change the run; mostly null. */
  readonly #clients = new Map<EventStream, string | null>();
  /** The snapshot that all clients have; null while there are no clients. */
  #sent: Snapshot | null = null;
  #exitCode: number | null = null;
  #logLinesSent = 0;
  /** The event `view` for {@link #sent}, by why clients may not change the run. */
  readonly #views = new Map<string | null, Uint8Array<ArrayBuffer>>();
  #lastUpdate = "";
  #snapshotAt = 0;
  #lastSendAt = 0;
  #timer: Timer | null = null;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#clients.size;
  }

  /**
   * Connects a client. Returns its stream, or null if there are too many clients.
   *
   * @param denial why this client may not change the run, even if others may.
   */
  join(denial: string | null = null): EventStream["body"] | null {
    if (this.#clients.size >= Math.min(this.#options.maxClients, MAX_CLIENTS)) return null;
    if (this.#sent === null) {
      this.#keep(this.#options.snapshot());
      this.#timer = this.#scheduleTick();
    }
    this.#sendLog();
    const view = this.#viewBytes(denial);
    const client = openEventStream(() => this.#leave(client));
    this.#clients.set(client, denial);
    client.send(view);
    return client.body;
  }

  /** Sends the run to all clients. @param exitCode null while the run is in progress. */
  update(snapshot: Snapshot, exitCode: number | null): void {
    const exitCodeChanged = exitCode !== this.#exitCode;
    this.#exitCode = exitCode;
    if (this.#sent === null) return;
    const changes = exitCodeChanged ? null : liveChanges(this.#sent, snapshot);
    this.#sendLog();
    if (changes === null) {
      this.#keep(snapshot);
      this.#sendEach((denial) => this.#viewBytes(denial));
      return;
    }
    const permissions = this.#options.permissions();
    const textFor = (denial: string | null): string => {
      const live = liveState(snapshot, permissionsOf(permissions, denial), exitCode);
      return JSON.stringify({ live, ...changes, exitCode } satisfies LiveUpdate);
    };
    const text = textFor(null);
    this.#keep(snapshot);
    // Before its start and after its end, a run does not change.
    if (text === this.#lastUpdate) return;
    this.#lastUpdate = text;
    this.#sendEach((denial) => eventBytes("update", denial === null ? text : textFor(denial)));
  }

  /** Ends all streams. */
  close(): void {
    for (const client of [...this.#clients.keys()]) client.close();
  }

  #keep(snapshot: Snapshot): void {
    this.#sent = snapshot;
    this.#snapshotAt = this.#options.clock.now();
    this.#views.clear();
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#sendEach(() => bytes);
  }

  /** @param make the event for clients with a reason why they may not change the run, or with none. */
  #sendEach(make: (denial: string | null) => Uint8Array<ArrayBuffer>): void {
    this.#lastSendAt = this.#options.clock.now();
    const made = new Map<string | null, Uint8Array<ArrayBuffer>>();
    for (const [client, denial] of [...this.#clients]) {
      const bytes = made.get(denial) ?? make(denial);
      made.set(denial, bytes);
      client.send(bytes);
    }
  }

  #sendLog(): void {
    const { log } = this.#options;
    const lines = log.since(this.#logLinesSent);
    this.#logLinesSent = log.count;
    if (lines.length === 0) return;
    this.#views.clear();
    this.#send(eventBytes("log", JSON.stringify({ lines } satisfies LiveLog)));
  }

  #viewBytes(denial: string | null): Uint8Array<ArrayBuffer> {
    const kept = this.#views.get(denial);
    if (kept !== undefined) return kept;
    const { version, permissions, log } = this.#options;
    const view = liveView(this.#sent!, {
      version,
      exitCode: this.#exitCode,
      permissions: permissionsOf(permissions(), denial),
      log: log.since(0),
    });
    this.#lastUpdate = "";
    const bytes = eventBytes("view", JSON.stringify(view));
    this.#views.set(denial, bytes);
    return bytes;
  }

  #scheduleTick(): Timer {
    return this.#options.clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Takes snapshots when the run sends no updates, before its start and after its end. */
  #tick(): void {
    const { clock, snapshot } = this.#options;
    this.#timer = this.#scheduleTick();
    if (clock.now() - this.#snapshotAt >= OVERDUE_MS) this.update(snapshot(), this.#exitCode);
    if (clock.now() - this.#lastSendAt >= HEARTBEAT_MS) this.#send(HEARTBEAT);
  }

  #leave(client: EventStream): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    this.#sent = null;
    this.#views.clear();
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** The last lines of the log, for clients that connect later. */
export class LogTail {
  #lines: LogLine[] = [];
  #count = 0;

  /** How many lines have been logged so far, including those no longer kept. */
  get count(): number {
    return this.#count;
  }

  /** Adds a line. */
  add({ at, level, text }: LogEntry): void {
    this.#count++;
    this.#lines.push({ at: new Date(at).toISOString(), level, text });
    // Trimming at every line would cost a chatty log more than its lines do.
    if (this.#lines.length >= 2 * LOG_LINES) this.#lines = this.#lines.slice(-LOG_LINES);
  }

  /** The kept lines after the first `count`, oldest first. */
  since(count: number): readonly LogLine[] {
    const lines = Math.min(this.#count - count, LOG_LINES);
    return lines <= 0 ? [] : this.#lines.slice(-lines);
  }
}

const NO_HEAT: LatencyHeatMap = { stepSeconds: 1, seconds: [], histograms: [] };

/** The part of an update that follows from two snapshots. */
type Changes = Omit<LiveUpdate, "live" | "exitCode">;

/**
 * The changes between two snapshots. Null if clients need the whole run instead: its state has
 * changed, or counts have been dropped.
 */
export function liveChanges(before: Snapshot, now: Snapshot): Changes | null {
  if (before.runId !== now.runId || before.state !== now.state) return null;
  if (before.startedAt !== now.startedAt || !isSameJson(before.runEnd, now.runEnd)) return null;
  const [old, current] = [before.statistics, now.statistics];
  const requests = changedRows(old.requests, current.requests, changedRequest);
  const classes = changedRows(old.classes, current.classes, changedClass);
  const groups = changedRows(old.groups, current.groups, changedGroup);
  const metrics = changedRows(old.metrics, current.metrics, changedMetric);
  const checks = changedRows(old.checks, current.checks, changedCheck);
  const timeline = changedSeconds(old.timeline, current.timeline);
  const histories = historyChanges(old.histories, current.histories);
  if (requests === null || classes === null || groups === null || metrics === null) return null;
  if (checks === null || timeline === null || histories === null) return null;
  const failuresChanged = current.failures.length !== old.failures.length ||
    countOf(current.failures) !== countOf(old.failures);
  const userErrorsChanged = current.userErrors.length !== old.userErrors.length ||
    countOf(current.userErrors) !== countOf(old.userErrors);
  // Summarizing only what has changed keeps the cost of an update independent of the run's length.
  const summary = compactSummary({
    ...now,
    workers: [],
    statistics: {
      ...current,
      ...{ requests, classes, groups, metrics, checks, timeline },
      histories: [],
      heatMap: NO_HEAT,
      failures: failuresChanged ? current.failures : [],
      userErrors: userErrorsChanged ? current.userErrors : [],
    },
  }, "");
  return {
    durationSeconds: summary.durationSeconds,
    pausedSeconds: summary.pausedSeconds,
    pauses: summary.pauses,
    complete: summary.complete,
    users: summary.users,
    totals: { ...summary.totals, statuses: statusesOf(current.requests) },
    requests: summary.requests,
    classes: summary.classes.map(liveClass),
    groups: summary.groups,
    metrics: summary.metrics,
    checks: summary.checks,
    histories: histories.changed,
    historyKeys: histories.keys,
    heatMap: heatChanges(old.heatMap, current.heatMap),
    tracedRequests: isSameJson(old.traced, current.traced) ? null : summary.tracedRequests,
    failures: failuresChanged ? summary.failures : null,
    workerLogs: workerLogs(changedLogs(before.workers, now.workers)),
    failureSamples: newSamples(old.failureSamples, current.failureSamples),
    userErrors: userErrorsChanged ? summary.userErrors : null,
    thresholds: isSameJson(before.thresholds, now.thresholds) ? null : liveThresholds(now, summary),
    annotations: before.annotations.length === now.annotations.length ? null : summary.annotations,
    warnings: isSameJson(before.warnings, now.warnings) ? null : summary.warnings,
    iterations: isSameJson(old.iterations, current.iterations) ? null : summary.iterations,
    network: isSameJson(old.network, current.network) ? null : summary.network,
    breakingPoint: isSameJson(before.breakingPoint, now.breakingPoint)
      ? null
      : liveBreakingPoint(now),
    timeline: summary.timeline,
  };
}

/**
 * Rows that have changed, and new rows; null if a row has disappeared or shrunk.
 *
 * @param changed what is sent of a row; null if it has not changed, and "shrunk" if it has.
 */
function changedRows<Row extends NamedRow>(
  before: readonly Row[],
  now: readonly Row[],
  changed: (old: Row, row: Row) => Row | "shrunk" | null,
): Row[] | null {
  const rows: Row[] = [];
  // Both lists are in the same order, so a row that does not match the next old one is new.
  let index = 0;
  for (const row of now) {
    const old = before[index];
    if (old === undefined || old.name !== row.name || old.method !== row.method) {
      rows.push(row);
      continue;
    }
    index++;
    const sent = changed(old, row);
    if (sent === "shrunk") return null;
    if (sent !== null) rows.push(sent);
  }
  return index === before.length ? rows : null;
}

interface NamedRow {
  readonly name: string;
  readonly method?: string;
}

/** A name, with those of its tags that have changed. */
function changedRequest(old: RequestRow, row: RequestRow): RequestRow | "shrunk" | null {
  if (row.requests < old.requests) return "shrunk";
  if (!haveRisen(old, row)) return null;
  if (row.tags.length === 0) return row;
  const known = new Map(old.tags.map((part) => [part.tags, part]));
  const tags = row.tags.filter((part) => {
    const oldPart = known.get(part.tags);
    return oldPart === undefined || haveRisen(oldPart, part);
  });
  return { ...row, tags };
}

/** No other count of requests changes without one of these. */
function haveRisen(old: RequestTotals, now: RequestTotals): boolean {
  return now.requests > old.requests || now.unfinished.count > old.unfinished.count ||
    now.inProgress.count !== old.inProgress.count ||
    now.inProgress.oldestMs !== old.inProgress.oldestMs;
}

function changedClass(old: ClassRow, row: ClassRow): ClassRow | "shrunk" | null {
  if (row.totals.requests < old.totals.requests) return "shrunk";
  const isSame = row.users === old.users && row.peakUsers === old.peakUsers &&
    row.completed === old.completed && isSameJson(row.load, old.load) &&
    isSameJson(row.iterations, old.iterations) && !haveRisen(old.totals, row.totals);
  return isSame ? null : row;
}

function changedGroup(old: GroupRow, row: GroupRow): GroupRow | "shrunk" | null {
  if (row.count < old.count) return "shrunk";
  return row.count > old.count || row.unfinished.count > old.unfinished.count ? row : null;
}

/** Unlike the others, the value of a metric may also fall. */
function changedMetric(old: MetricRow, row: MetricRow): MetricRow | "shrunk" | null {
  if (row.type === "trend" && old.type === "trend") {
    if (row.count < old.count) return "shrunk";
    return row.count > old.count ? row : null;
  }
  // What a counter has per second falls as time passes, and clients can compute it.
  if (row.type === "counter" && old.type === "counter") {
    return row.value === old.value ? null : row;
  }
  return isSameJson(row, old) ? null : row;
}

function changedCheck(old: CheckRow, row: CheckRow): CheckRow | "shrunk" | null {
  if (row.passed < old.passed || row.failed < old.failed) return "shrunk";
  return row.passed > old.passed || row.failed > old.failed ? row : null;
}

/** The workers that have new lines in their logs. */
function changedLogs(before: readonly WorkerRow[], now: readonly WorkerRow[]): WorkerRow[] {
  const known = new Map(before.map(({ id, log }) => [id, log]));
  return now.filter(({ id, log }) => known.get(id) !== log && log.length > 0);
}

/** A run only gets more examples. Each is the same object in all snapshots. */
function newSamples(
  before: readonly FailureSample[],
  now: readonly FailureSample[],
): SummaryFailureSample[] {
  if (before.length === now.length) return [];
  const known = new Set(before);
  return failureSampleRows(now.filter((sample) => !known.has(sample)));
}

/** Seconds that have changed, and new ones; null if a second has disappeared. */
function changedSeconds(
  before: readonly TimelineSecond[],
  now: readonly TimelineSecond[],
): TimelineSecond[] | null {
  const changed: TimelineSecond[] = [];
  let index = 0;
  for (const second of now) {
    const old = before[index];
    if (old !== undefined && old.second === second.second) index++;
    // An unchanged second is the same object in both snapshots.
    if (old !== second) changed.push(second);
  }
  return index === before.length ? changed : null;
}

function countOf(rows: readonly { readonly count: number }[]): number {
  let sum = 0;
  for (const { count } of rows) sum += count;
  return sum;
}

function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** One client's stream of server-sent events. Sending never blocks. */
export interface EventStream {
  /** The body of the response to the client. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Sends bytes unchanged, or disconnects a client that is too far behind. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the stream. */
  close(): void;
}

/**
 * How many bytes may be buffered for one client. A single longer event, such as the `view` of a long
 * run, is still sent.
 */
const MAX_BUFFERED = 8 * 1024 * 1024;

/**
 * Opens a stream.
 *
 * @param onEnd called once when the client leaves or is disconnected, or the stream is closed.
 */
export function openEventStream(onEnd: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  const end = (): void => {
    if (controller === null) return;
    controller = null;
    onEnd();
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (created) => {
      controller = created;
    },
    cancel: end,
  }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_BUFFERED }));
  return {
    body,
    send(bytes): void {
      if (controller === null) return;
      const room = controller.desiredSize ?? 0;
      if (room < MAX_BUFFERED && room < bytes.length) {
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

const encoder = new TextEncoder();

/** A comment, which clients ignore; it shows that the connection is alive. */
const HEARTBEAT: Uint8Array<ArrayBuffer> = encoder.encode(": still here\n\n");
