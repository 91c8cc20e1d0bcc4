/**
 * The dashboard's routes for earlier runs: their list, their summaries and reports, and comparisons of two.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { listedRun } from "../report/history_table.ts";
import type { RunHistory } from "../report/run_history.ts";
import type { SummaryText } from "./history_content.ts";
import type { HistoryReply, HistoryTask } from "./history_thread.ts";
import { bodyOf, errorReply, jsonReply, reply } from "./http.ts";
import type { Route } from "./routes.ts";

const ID = String.raw`\d{8}-\d{6}-[0-9a-z]{1,8}`;
const RUN = new RegExp(`^/api/runs/(${ID})(?:/(report)|/compare/(${ID}))?$`);

/** Requests that wait for the thread: more are refused. */
const MAX_TASKS = 8;

/** How long the thread is kept without a task, in milliseconds. */
const IDLE_MS = 30_000;

/** Answers what the page asks about earlier runs. */
export class HistoryRoutes {
  readonly #history: RunHistory | null;
  readonly #thread = new HistoryThread();

  /** @param history `null`: none is kept. */
  constructor(history: RunHistory | null) {
    this.#history = history;
  }

  /** The route of a path; `null` if it is none of these. */
  find(path: string): Route | null {
    const history = this.#history;
    if (path === "/api/runs") {
      return { method: "GET", handle: () => history === null ? noHistory() : listOf(history) };
    }
    const match = RUN.exec(path);
    if (match === null) return null;
    const [, id, report, other] = match;
    return {
      method: "GET",
      handle: async () => {
        if (history === null) return noHistory();
        const missing = await missingOf(history, other === undefined ? [id!] : [id!, other]);
        if (missing !== null) {
          return errorReply({ status: 404, error: `There is no run ${missing}.` });
        }
        if (report !== undefined) return await this.#report(history, id!);
        return other === undefined
          ? await summaryReply(history, id!)
          : await this.#compare(history, id!, other);
      },
    };
  }

  async #report(history: RunHistory, id: string): Promise<Response> {
    const made = await this.#thread.make(async () => ({
      kind: "report",
      run: await textOf(history, id),
    }));
    if (made === "busy") return busy();
    // In its sandbox, the report has no access to the dashboard, whatever is in the summary.
    const policy = `${made.policy}; frame-ancestors 'none'; sandbox allow-scripts allow-modals`;
    return reply("text/html; charset=utf-8", bodyOf(made.parts), {
      headers: { "Content-Security-Policy": policy },
    });
  }

  async #compare(history: RunHistory, a: string, b: string): Promise<Response> {
    const made = await this.#thread.make(async () => ({
      kind: "compare",
      a: await textOf(history, a),
      b: await textOf(history, b),
    }));
    return made === "busy" ? busy() : reply(JSON_TYPE, bodyOf(made.parts));
  }

  /** Ends the thread. */
  close(): void {
    this.#thread.end();
  }
}

const JSON_TYPE = "application/json; charset=utf-8";

function noHistory(): Response {
  const error = "This run keeps no history: --history DIR names a directory for it.";
  return errorReply({ status: 404, error });
}

function busy(): Response {
  const error = "Other reports and comparisons are being made.";
  return errorReply({ status: 503, error, headers: { "Retry-After": "5" } });
}

async function listOf(history: RunHistory): Promise<Response> {
  const runs = (await history.list()).map(listedRun);
  return jsonReply({ directory: history.directory, runs });
}

async function summaryReply(history: RunHistory, id: string): Promise<Response> {
  return reply(JSON_TYPE, await history.readText(id));
}

async function textOf(history: RunHistory, id: string): Promise<SummaryText> {
  return { file: history.fileOf(id), text: await history.readText(id) };
}

/** The first of some runs that there is not. */
async function missingOf(history: RunHistory, ids: readonly string[]): Promise<string | null> {
  const known = new Set((await history.list()).map(({ id }) => id));
  return ids.find((id) => !known.has(id)) ?? null;
}

type Made = Extract<HistoryReply, { readonly policy: string | null }>;

/** A thread that is started when it is needed. It does one task at a time. */
class HistoryThread {
  #thread: Worker | null = null;
  #tasks = 0;
  #last: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #reject: ((error: Error) => void) | null = null;

  /**
   * What comes of a task; `"busy"` if too many wait.
   *
   * @param task reads what the thread needs, when it is its turn.
   * @throws UsageError if the summaries are to blame.
   */
  async make(task: () => Promise<HistoryTask>): Promise<Made | "busy"> {
    if (this.#tasks === MAX_TASKS) return "busy";
    this.#tasks++;
    clearTimeout(this.#idle);
    try {
      const turn = this.#last.catch(() => {}).then(async () => await this.#ask(await task()));
      this.#last = turn;
      const answer = await turn;
      if ("parts" in answer) return answer;
      throw answer.isUsage ? new UsageError(answer.problem) : new Error(answer.problem);
    } finally {
      this.#tasks--;
      if (this.#tasks === 0 && this.#thread !== null) {
        const idle = setTimeout(() => this.end(), IDLE_MS);
        Deno.unrefTimer(idle);
        this.#idle = idle;
      }
    }
  }

  #ask(task: HistoryTask): Promise<HistoryReply> {
    const { promise, resolve, reject } = Promise.withResolvers<HistoryReply>();
    const thread = this.#thread ??= new Worker(
      new URL("./history_thread.ts", import.meta.url).href,
      { type: "module", name: "history" },
    );
    this.#reject = reject;
    thread.onmessage = ({ data }: MessageEvent<HistoryReply>) => resolve(data);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#thread = null;
      reject(new Error(event.message));
    };
    thread.postMessage(task);
    return promise;
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#thread?.terminate();
    this.#thread = null;
    this.#reject?.(new Error("the dashboard was closed"));
  }
}
