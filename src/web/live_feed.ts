import type { Clock, Timer } from "../core/clock.ts";
import { compactSummary } from "../report/summary.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { eventBytes, type EventStream, HEARTBEAT, openEventStream } from "./event_stream.ts";
import { liveChanges } from "./live_changes.ts";
import { type ControlRights, liveState } from "./live_state.ts";
import type { LiveLog, LiveUpdate, LiveView } from "./live_view.ts";
import type { LogTail } from "./log_tail.ts";

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
