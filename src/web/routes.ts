/**
 * What the dashboard answers: which path and method lead to what.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { summary } from "../report/summary.ts";
import { isAsset, readAsset } from "./assets.ts";
import type { ResolvedLoad } from "../load/load.ts";
import { type DashboardControl, readControlLoad } from "./control.ts";
import type { LiveFeed, LogTail } from "./feed.ts";
import { jsonReply, type Refusal, refusalReply, reply } from "./http.ts";
import { type ControlRights, liveState, type LiveSummary } from "./live_view.ts";
import { REPORT_FILES, type ReportedRun, type ReportFile } from "./report_formats.ts";
import type { TokenGate } from "./security.ts";

/** One request, as far as a route has to know it. */
export interface Visit {
  readonly headers: Headers;
  /** The client's, without its port. */
  readonly address: string;
  /** What a POST brings; empty otherwise. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a path leads to. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Whether nobody is asked for the token. */
  readonly isOpen?: boolean;
  /** Whether it changes the run. */
  readonly isControl?: boolean;
  answer(visit: Visit): Response | Promise<Response>;
}

/** What the routes answer from. */
export interface RouteSources {
  readonly control: DashboardControl;
  readonly clock: Clock;
  readonly log: LogTail;
  readonly version: string;
  readonly gate: TokenGate;
  readonly feed: LiveFeed;
  readonly rights: () => ControlRights;
  /** What the process is about to exit with; null while the run goes on. */
  readonly exitCode: () => number | null;
  readonly metrics: () => string;
  /** The run as it is now, for the reports that can be downloaded. */
  readonly reported: () => ReportedRun;
  readonly info: (text: string) => void;
}

/** How old a summary may be that is answered with, in milliseconds: whoever asks more often gets the same. */
const SUMMARY_MS = 1_000;

/** Knows what each path leads to. */
export class DashboardRoutes {
  readonly #sources: RouteSources;
  readonly #routes: ReadonlyMap<string, Route>;
  #summary: { readonly text: string; readonly madeAt: number } | null = null;

  constructor(sources: RouteSources) {
    this.#sources = sources;
    this.#routes = new Map<string, Route>([
      ["/healthz", { method: "GET", isOpen: true, answer: () => reply(TEXT, "ok\n") }],
      ["/metrics", { method: "GET", answer: () => reply(METRICS, sources.metrics()) }],
      ["/api/summary", { method: "GET", answer: () => reply(JSON_TYPE, this.#summaryText()) }],
      ["/api/stream", { method: "GET", answer: () => this.#stream() }],
      ["/api/login", { method: "POST", isOpen: true, answer: (visit) => this.#logIn(visit) }],
      ["/api/logout", { method: "POST", isOpen: true, answer: (visit) => this.#logOut(visit) }],
      ["/api/start", this.#controlRoute((visit) => this.#start(visit))],
      ["/api/stop", this.#controlRoute((visit) => this.#stop(visit))],
      ["/api/target", this.#controlRoute((visit) => this.#retarget(visit))],
      ...REPORT_FILES.map((file): [string, Route] => [
        `/api/report/${file.kind}`,
        { method: "GET", answer: () => this.#report(file) },
      ]),
    ]);
  }

  /** What a path leads to; null where it leads nowhere. */
  find(path: string): Route | null {
    if (isAsset(path)) return { method: "GET", isOpen: true, answer: () => assetReply(path) };
    return this.#routes.get(path) ?? null;
  }

  /** Forgets what it knows of the run, which has gone on. */
  refresh(): void {
    this.#summary = null;
  }

  #summaryText(): string {
    const { control, clock, log, version, rights, exitCode } = this.#sources;
    if (this.#summary === null || clock.now() - this.#summary.madeAt >= SUMMARY_MS) {
      const snapshot = control.snapshot();
      const live = { ...liveState(snapshot, rights()), log: log.since(0) };
      const whole = summary(snapshot, { version, exitCode: 0 });
      const text = JSON.stringify({ ...whole, exitCode: exitCode(), live } satisfies LiveSummary);
      this.#summary = { text: `${text}\n`, madeAt: clock.now() };
    }
    return this.#summary.text;
  }

  #stream(): Response {
    const body = this.#sources.feed.join();
    if (body === null) {
      const error = "Too many are looking at this dashboard.";
      return refusalReply({ status: 429, error, headers: { "Retry-After": "10" } });
    }
    return reply("text/event-stream; charset=utf-8", body);
  }

  async #report({ suffix, mediaType, make }: ReportFile): Promise<Response> {
    const headers = { "Content-Disposition": `attachment; filename="aiotest${suffix}"` };
    return reply(mediaType, await make(this.#sources.reported()), { headers });
  }

  #logIn({ headers, address, body }: Visit): Response {
    const { gate } = this.#sources;
    if (!gate.hasToken) return refusalReply({ status: 409, error: "No token is needed here." });
    if (typeof body.token !== "string") {
      return refusalReply({ status: 400, error: "token is missing: it has to be a text." });
    }
    const admission = gate.tryToken(body.token, address);
    if (admission.kind === "slowed") return refusalReply(slowed(admission.seconds));
    if (admission.kind === "unknown") {
      return refusalReply({ status: 401, error: "The token is wrong." });
    }
    const secure = headers.get("origin")?.startsWith("https:") ?? false;
    return jsonReply({ ok: true }, { headers: { "Set-Cookie": gate.openSession(secure) } });
  }

  #logOut({ headers }: Visit): Response {
    const cookie = this.#sources.gate.closeSession(headers);
    return jsonReply({ ok: true }, { headers: { "Set-Cookie": cookie } });
  }

  #controlRoute(carryOut: (visit: Visit) => Refusal | null): Route {
    return {
      method: "POST",
      isControl: true,
      answer: (visit): Response => {
        const refusal = carryOut(visit);
        if (refusal !== null) return refusalReply(refusal);
        const { feed, control, exitCode } = this.#sources;
        this.refresh();
        feed.update(control.snapshot(), exitCode());
        return jsonReply({ ok: true });
      },
    };
  }

  #start({ body, address }: Visit): Refusal | null {
    const target = Object.keys(body).length === 0 ? null : readControlLoad(body);
    if (typeof target === "string") return { status: 400, error: target };
    this.#sources.control.start(target);
    this.#sources.info(`Started from the dashboard (${address})${withLoad(target)}.`);
    return null;
  }

  #stop({ address }: Visit): null {
    this.#sources.control.stop();
    this.#sources.info(`Stopped from the dashboard (${address}).`);
    return null;
  }

  #retarget({ body, address }: Visit): Refusal | null {
    const target = readControlLoad(body);
    if (typeof target === "string") return { status: 400, error: target };
    this.#sources.control.changeLoad(target);
    this.#sources.info(`Changed from the dashboard (${address})${withLoad(target)}.`);
    return null;
  }
}

/** What an address is told that has guessed too often. */
export function slowed(seconds: number): Refusal {
  return {
    status: 429,
    error: `Too many wrong tokens: try again in ${seconds} s.`,
    headers: { "Retry-After": `${seconds}` },
  };
}

async function assetReply(path: string): Promise<Response> {
  const { type, text } = await readAsset(path);
  return reply(type, text);
}

function withLoad(target: ResolvedLoad | null): string {
  if (target === null) return "";
  return "users" in target
    ? `: ${target.users} users, ${target.rate} a second`
    : `: ${target.arrivalRate} passes a second, at most ${target.maxUsers} users`;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
/** The version is that of Prometheus' text format. */
const METRICS = "text/plain; version=0.0.4; charset=utf-8";
