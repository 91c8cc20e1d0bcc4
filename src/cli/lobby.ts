/**
 * Where workers wait between the runs of a master that stays: `--keep`.
 *
 * @module
 */

import type { FileServer } from "../cluster/files.ts";
import { NO_JOURNAL } from "../cluster/journal.ts";
import { RunState, type WorkerState } from "../cluster/run_state.ts";
import { AwakeClock } from "../core/awake_clock.ts";
import { systemClock } from "../core/clock.ts";
import { logger } from "../core/logger.ts";
import type { StreamListener } from "../core/network.ts";
import { WorkerManager } from "../runner/worker_manager.ts";
import type { MasterSettings } from "./role.ts";

/** What a lobby needs. */
export interface LobbyOptions {
  readonly settings: MasterSettings;
  readonly listener: StreamListener;
  readonly testfileHash: string;
  /** The workers of the last run, which come there. */
  readonly expected: number;
  /** `null`: workers without a test file are rejected. */
  readonly openFiles: (clock: AwakeClock) => Promise<FileServer | null>;
}

/** Workers that wait for the next run. */
export interface Lobby {
  /** How many workers are connected. */
  workers(): number;
  /** The process of a worker has ended. @param how a part of a sentence: `was killed by SIGKILL`. */
  processEnded(name: string, how: string): void;
  /**
   * Sends the workers on, once those of the last run are there, or after {@link JOIN_MS}.
   *
   * @param stays whether there is another run, which they are to join.
   * @returns resolves with their names.
   */
  end(stays: boolean): Promise<ReadonlySet<string>>;
}

/** How long workers may take to come from a run to the lobby. Those that are there are told what follows. */
const JOIN_MS = 3_000;

/** Lets workers join, and keeps in touch with them, until there is a run. */
export async function openLobby(
  { settings, listener, testfileHash, expected, openFiles }: LobbyOptions,
): Promise<Lobby> {
  const awakeClock = new AwakeClock(systemClock);
  awakeClock.start();
  const runState = new RunState(crypto.randomUUID(), testfileHash);
  let stays = false;
  const allJoined = Promise.withResolvers<void>();
  const here = (): WorkerState[] =>
    runState.workers.filter((worker) => manager.isConnected(worker));
  const check = (): void => {
    if (here().length >= expected) allJoined.resolve();
  };
  const manager: WorkerManager = new WorkerManager({
    runState,
    journal: NO_JOURNAL,
    rpc: NO_RPC,
    awakeClock,
    listener,
    address: `${settings.bindHost}:${listener.port}`,
    token: settings.token,
    allowDifferentTestfile: settings.allowDifferentTestfile,
    files: await openFiles(awakeClock),
    setup: null,
    stays: () => stays,
    isLimited: () => false,
    onMessage: (worker, message) => {
      if (message.type !== "STATE") return;
      manager.updateState(worker, message);
      check();
    },
    onLost: (worker) => void manager.lose(worker),
    onInfo: (text) => logger.info(text),
    onWarning: (text) => logger.warn(text),
  });
  awakeClock.onPause(() => manager.restartLeases());
  manager.open();
  check();
  return {
    workers: () => here().length,
    processEnded: (name, how) => void manager.processEnded(name, how),
    async end(staysNow): Promise<ReadonlySet<string>> {
      const timer = systemClock.setTimer(allJoined.resolve, JOIN_MS);
      await allJoined.promise;
      systemClock.clearTimer(timer);
      const workers = here();
      stays = staysNow;
      await manager.end();
      awakeClock.stop();
      return new Set(workers.map(({ id }) => id));
    },
  };
}

/**
 * A port that stays open from run to run, so that workers find each run there, and no other process takes it. Each
 * run listens at a {@link view} of it.
 */
export class KeptListener {
  readonly #listener: StreamListener;
  /** The next connection, which the present view may leave to the next one. */
  #next: ReturnType<StreamListener["accept"]> | null = null;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  /** Listens until it is closed; the port stays open. */
  view(): StreamListener {
    const closed = Promise.withResolvers<null>();
    let isClosed = false;
    return {
      port: this.#listener.port,
      accept: async () => {
        if (isClosed) return null;
        const next = this.#next ??= this.#listener.accept();
        const accepted = await Promise.race([next, closed.promise]);
        if (accepted !== null) this.#next = null;
        return accepted;
      },
      close: () => {
        isClosed = true;
        closed.resolve(null);
      },
    };
  }

  /** Closes the port. */
  close(): void {
    this.#listener.close();
  }
}

/** Nodes share nothing between runs. */
const NO_RPC = {
  begin: (): void => {},
  connect: (): void => {},
  workerConnected: (): void => {},
  membershipChanged: (): void => {},
  forget: (): void => {},
  usersAssigned: (): void => {},
};
