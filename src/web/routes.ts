/**
 * The dashboard's routes: which path and method lead to which response.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { encodedParts } from "../core/text.ts";
import type { ResolvedLoad } from "../load/load.ts";
import { jsonParts } from "../report/json_parts.ts";
import { type InRows, type RunMetadata, summaryRows } from "../report/summary.ts";
import { isAsset, readAsset } from "./assets.ts";
import { type DashboardControl, readLoad } from "./control.ts";
import type { LiveFeed, LogTail } from "./feed.ts";
import { bodyOf, type ErrorReply, errorReply, jsonReply, reply } from "./http.ts";
import {
  type ControlPermissions,
  liveState,
  type LiveSummary,
  permissionsOf,
} from "./live_view.ts";
import { REPORT_FILES, type ReportedRun, type ReportFile } from "./report_formats.ts";
import type { Authenticator } from "./security.ts";

/** The parts of a request that routes need. */
export interface RouteRequest {
  readonly headers: Headers;
  /** The client's address, without its port. */
  readonly address: string;
  /** The base path as the browser sees it, without a slash at its end. */
  readonly base: string;
  /** Whether the browser uses HTTPS, as far as that is known. */
  readonly isSecure: boolean;
  /** Why this client may not change the run, even if others may; null: no reason of its own. */
  readonly denial: string | null;
  /** The JSON object in the body of a POST; empty for a GET. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A body in the order of its parts. */
type BodyParts = readonly Uint8Array<ArrayBuffer>[];

/** How the requests for one path are answered. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Whether it needs no token. */
  readonly isPublic?: boolean;
  /** Whether it is answered whatever the request's `Host` and `Origin`. */
  readonly isForAnyHost?: boolean;
  /** Whether it changes the run. */
  readonly isControl?: boolean;
  handle(request: RouteRequest): Response | Promise<Response>;
}

/** What a {@link DashboardRouter} needs. */
export interface RouterOptions {
  readonly control: DashboardControl;
  readonly clock: Clock;
  readonly log: LogTail;
  readonly authenticator: Authenticator;
  readonly feed: LiveFeed;
  /** The routes of earlier runs. */
  readonly history: { find(path: string): Route | null };
  readonly permissions: () => ControlPermissions;
  /** What the process is about to exit with; null while the run is in progress. */
  readonly exitCode: () => number | null;
  readonly metrics: () => string;
  /** How the run was configured, and where it runs. */
  readonly metadata: () => RunMetadata;
  /** The run at this moment, for downloaded reports. */
  readonly reported: () => ReportedRun;
  readonly info: (text: string) => void;
}

/** How long a summary is reused, in milliseconds. Frequent polling then costs the run nothing. */
const SUMMARY_MAX_AGE_MS = 1_000;

/** Finds the route of a path. */
export class DashboardRouter {
  readonly #options: RouterOptions;
  readonly #routes: ReadonlyMap<string, Route>;
  /** By why the client may not change the run. */
  readonly #summaries = new Map<
    string | null,
    { readonly parts: BodyParts; readonly createdAt: number }
  >();

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#routes = new Map<string, Route>([
      ["/healthz", {
        method: "GET",
        isPublic: true,
        isForAnyHost: true,
        handle: () => reply(TEXT, "ok\n"),
      }],
      ["/metrics", { method: "GET", handle: () => reply(METRICS, options.metrics()) }],
      ["/api/summary", {
        method: "GET",
        handle: ({ denial }) => reply(JSON_TYPE, bodyOf(this.#summaryParts(denial))),
      }],
      ["/api/stream", { method: "GET", handle: ({ denial }) => this.#stream(denial) }],
      [
        "/api/login",
        { method: "POST", isPublic: true, handle: (request) => this.#logIn(request) },
      ],
      [
        "/api/logout",
        { method: "POST", isPublic: true, handle: (request) => this.#logOut(request) },
      ],
      ["/api/start", this.#controlRoute((request) => this.#start(request))],
      ["/api/form", { method: "GET", handle: () => this.#form() }],
      ["/api/quit", this.#controlRoute((request) => this.#quit(request))],
      ["/api/pause", this.#controlRoute((request) => this.#pause(request))],
      ["/api/resume", this.#controlRoute((request) => this.#resume(request))],
      ["/api/stop", this.#controlRoute((request) => this.#stop(request))],
      ["/api/stop-worker", this.#controlRoute((request) => this.#stopWorker(request))],
      ["/api/target", this.#controlRoute((request) => this.#changeLoad(request))],
      ...REPORT_FILES.map((file): [string, Route] => [
        `/api/report/${file.kind}`,
        { method: "GET", handle: () => this.#report(file) },
      ]),
    ]);
  }

  /** The route of a path below the base path; null if there is none. */
  find(path: string): Route | null {
    if (path === "") return TO_PAGE;
    if (isAsset(path)) {
      return { method: "GET", isPublic: true, handle: ({ base }) => assetReply(path, base) };
    }
    return this.#routes.get(path) ?? this.#options.history.find(path);
  }

  /** Discards cached data, because the run has changed. */
  refresh(): void {
    this.#summaries.clear();
  }

  #summaryParts(denial: string | null): BodyParts {
    const { control, clock, log, permissions, exitCode, metadata } = this.#options;
    const kept = this.#summaries.get(denial);
    if (kept !== undefined && clock.now() - kept.createdAt < SUMMARY_MAX_AGE_MS) return kept.parts;
    const snapshot = control.snapshot();
    const code = exitCode();
    const allowed = permissionsOf(permissions(), denial);
    const content: InRows<LiveSummary> = {
      ...summaryRows(snapshot, { metadata: metadata(), exitCode: code }),
      live: { ...liveState(snapshot, allowed, code), log: log.since(0) },
    };
    const parts = [...encodedParts([...jsonParts(content, 0), "\n"])];
    this.#summaries.set(denial, { parts, createdAt: clock.now() });
    return parts;
  }

  #stream(denial: string | null): Response {
    const body = this.#options.feed.join(denial);
    if (body === null) {
      const error = "Too many clients are connected to this dashboard.";
      return errorReply({ status: 429, error, headers: { "Retry-After": "10" } });
    }
    // nginx and others would hold back events to send several at once.
    const headers = { "X-Accel-Buffering": "no" };
    return reply("text/event-stream; charset=utf-8", body, { headers });
  }

  async #report({ suffix, mediaType, make }: ReportFile): Promise<Response> {
    const headers = { "Content-Disposition": `attachment; filename="aiotest${suffix}"` };
    // All parts are made before the run continues to count.
    const parts = [...encodedParts(await make(this.#options.reported()))];
    return reply(mediaType, bodyOf(parts), { headers });
  }

  #logIn({ address, base, isSecure, body }: RouteRequest): Response {
    const { authenticator } = this.#options;
    if (!authenticator.hasToken) {
      return errorReply({ status: 409, error: "This dashboard does not use a token." });
    }
    if (typeof body.token !== "string") {
      return errorReply({ status: 400, error: "token is missing; expected a string." });
    }
    const result = authenticator.checkToken(body.token, address);
    if (result.kind === "limited") return errorReply(rateLimited(result.seconds));
    if (result.kind === "denied") {
      return errorReply({ status: 401, error: "The token is wrong." });
    }
    return jsonReply({ ok: true }, {
      headers: { "Set-Cookie": authenticator.openSession(isSecure, `${base}/`) },
    });
  }

  #logOut({ headers, base }: RouteRequest): Response {
    const cookie = this.#options.authenticator.closeSession(headers, `${base}/`);
    return jsonReply({ ok: true }, { headers: { "Set-Cookie": cookie } });
  }

  #controlRoute(execute: (request: RouteRequest) => ErrorReply | null): Route {
    return {
      method: "POST",
      isControl: true,
      handle: (request): Response => {
        const problem = execute(request);
        if (problem !== null) return errorReply(problem);
        const { feed, control, exitCode } = this.#options;
        this.refresh();
        feed.update(control.snapshot(), exitCode());
        return jsonReply({ ok: true });
      },
    };
  }

  #form(): Response {
    const { series } = this.#options.control;
    return series === undefined
      ? errorReply({ status: 409, error: ONE_RUN })
      : jsonReply(series.form());
  }

  #quit({ address }: RouteRequest): ErrorReply | null {
    const { series } = this.#options.control;
    if (series === undefined) return { status: 409, error: ONE_RUN };
    this.#options.info(`Ended from the dashboard (${address}).`);
    series.quit();
    return null;
  }

  #start({ body, address }: RouteRequest): ErrorReply | null {
    const { series } = this.#options.control;
    if (series !== undefined) {
      const problem = series.start(body);
      if (problem !== null) return { status: 400, ...problem };
      this.#options.info(`Another run is started from the dashboard (${address}).`);
      return null;
    }
    const load = Object.keys(body).length === 0 ? null : readLoad(body);
    if (typeof load === "string") return { status: 400, error: load };
    const started = this.#options.control.start(load);
    this.#options.info(`Started from the dashboard (${address})${loadSuffix(started)}.`);
    return null;
  }

  #pause({ address }: RouteRequest): null {
    this.#options.control.pause();
    this.#options.info(`Paused from the dashboard (${address}).`);
    return null;
  }

  #resume({ address }: RouteRequest): null {
    this.#options.control.resume();
    this.#options.info(`Resumed from the dashboard (${address}).`);
    return null;
  }

  #stop({ address }: RouteRequest): null {
    this.#options.control.stop();
    this.#options.info(`Stopped from the dashboard (${address}).`);
    return null;
  }

  #stopWorker({ body, address }: RouteRequest): ErrorReply | null {
    const { worker } = body;
    const isOnly = Object.keys(body).every((key) => key === "worker");
    if (typeof worker !== "string" || worker === "" || !isOnly) {
      return { status: 400, error: 'Name the worker, and nothing else: {"worker": "ID"}.' };
    }
    this.#options.control.stopWorker(worker);
    this.#options.info(
      `Worker ${worker} is stopped from the dashboard (${address}): its users go to the other workers.`,
    );
    return null;
  }

  #changeLoad({ body, address }: RouteRequest): ErrorReply | null {
    const load = readLoad(body);
    if (typeof load === "string") return { status: 400, error: load };
    const changed = this.#options.control.changeLoad(load);
    this.#options.info(`Load changed from the dashboard (${address})${loadSuffix(changed)}.`);
    return null;
  }
}

/** The response to an address that has sent too many wrong tokens. */
export function rateLimited(seconds: number): ErrorReply {
  return {
    status: 429,
    error: `Too many wrong tokens; try again in ${seconds} s.`,
    headers: { "Retry-After": `${seconds}` },
  };
}

/** Relative URLs of the page need the slash at the end of its own. */
const TO_PAGE: Route = {
  method: "GET",
  isPublic: true,
  handle: ({ base }) => reply(TEXT, "", { status: 308, headers: { Location: `${base}/` } }),
};

async function assetReply(path: string, base: string): Promise<Response> {
  const { mediaType, text } = await readAsset(path, base);
  return reply(mediaType, text);
}

function loadSuffix(load: ResolvedLoad | null): string {
  if (load === null) return "";
  return "users" in load
    ? `: ${load.users} users, ${load.rate} per second`
    : `: ${load.arrivalRate} iterations per second, at most ${load.maxUsers} users`;
}

const ONE_RUN = "This process ends with its run: it was started without --keep.";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
/** The version is that of Prometheus' text format. */
const METRICS = "text/plain; version=0.0.4; charset=utf-8";
