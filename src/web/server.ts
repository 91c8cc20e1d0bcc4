import type { Clock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { WebHandler, WebListener, WebListenOptions } from "../core/network.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { DashboardControl } from "./control.ts";
import { LiveFeed, type LogTail } from "./feed.ts";
import { readJsonBody, type Refusal, refusalReply } from "./http.ts";
import type { ControlRights } from "./live_view.ts";
import type { ReportedRun } from "./report_formats.ts";
import { DashboardRoutes, type Route, slowed, type Visit } from "./routes.ts";
import { foreignness, HostRules, isLoopback, TokenGate } from "./security.ts";

/** Everything that a dashboard needs and does not make itself. */
export interface DashboardOptions {
  /** The run that it shows. */
  readonly control: DashboardControl;
  /** The name or address that it listens at; 0.0.0.0 and :: are all of the machine's. */
  readonly bindHost: string;
  /** 0: any port that is free. */
  readonly port: number;
  /** The machine's own name. */
  readonly hostname: string;
  /** What it asks for; null: nothing, and only whoever is on this machine may change the run. */
  readonly token: string | null;
  readonly clock: Clock;
  /** Version of aiotest. */
  readonly version: string;
  readonly log: LogTail;
  /** Answers requests, as `Host` does. */
  readonly serve: (at: WebListenOptions, handle: WebHandler) => WebListener;
  /** What Prometheus is told. */
  readonly metrics: () => string;
  /** The run as it is now, for the reports that can be downloaded. */
  readonly reported: () => ReportedRun;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const READ_ONLY =
  "The dashboard is read-only: it listens to other machines, and has no --web-token.";

/** Serves the dashboard's page, and what it shows and changes. */
export class DashboardServer {
  readonly #options: DashboardOptions;
  readonly #gate: TokenGate;
  readonly #feed: LiveFeed;
  readonly #routes: DashboardRoutes;
  /** Why nothing may be changed from here; null where it may. */
  readonly #refusal: string | null;
  #listener: WebListener | null = null;
  #rules: HostRules | null = null;
  #exitCode: number | null = null;

  /** Serves nothing yet. */
  constructor(options: DashboardOptions) {
    const { control, clock, log, version, token, bindHost } = options;
    this.#options = options;
    this.#refusal = token === null && !isLoopback(bindHost) ? READ_ONLY : null;
    this.#gate = new TokenGate(token, clock, options.warn);
    const rights = (): ControlRights => ({ refusal: this.#refusal, canStart: control.canStart });
    this.#feed = new LiveFeed({ clock, log, version, snapshot: () => control.snapshot(), rights });
    this.#routes = new DashboardRoutes({
      ...{ control, clock, log, version, rights },
      gate: this.#gate,
      feed: this.#feed,
      exitCode: () => this.#exitCode,
      metrics: options.metrics,
      reported: options.reported,
      info: options.info,
    });
  }

  /** Begins to serve; returns the port. @throws `Deno.errors.AddrInUse` and its like. */
  start(): number {
    const { serve, bindHost, port: wanted, hostname } = this.#options;
    this.#listener = serve({ hostname: bindHost, port: wanted }, (request, address) => {
      return this.#answer(request, address);
    });
    const { port } = this.#listener;
    this.#rules = new HostRules({ bindHost, port, hostname });
    return port;
  }

  /** How many pages show the run. */
  get clients(): number {
    return this.#feed.clients;
  }

  /**
   * Shows the run as it is now; to be called once a second. Where nobody looks, it does next to nothing.
   *
   * @param exitCode what the process is about to exit with; null while the run goes on.
   */
  update(snapshot: Snapshot, exitCode: number | null = null): void {
    this.#exitCode = exitCode;
    this.#routes.refresh();
    this.#feed.update(snapshot, exitCode);
  }

  /** Ends all streams, and serves nothing any more. */
  async close(): Promise<void> {
    this.#feed.close();
    await this.#listener?.close();
  }

  /** Answers a request whatever it is; what goes wrong within is nobody's business outside. */
  async #answer(request: Request, address: string): Promise<Response> {
    try {
      const response = await this.#answerOrThrow(request, address);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      if (error instanceof UsageError) {
        return refusalReply({ status: 409, error: error.message });
      }
      this.#options.warn(`The dashboard could not answer: ${errorText(error)}`);
      return refusalReply({ status: 500, error: "Something went wrong within aiotest." });
    }
  }

  async #answerOrThrow(request: Request, address: string): Promise<Response> {
    const url = URL.parse(request.url);
    if (url === null) return refusalReply({ status: 400, error: "The request has no good URL." });
    const foreign = foreignness(request, url, this.#rules!);
    if (foreign !== null) return refusalReply(foreign);
    const route = this.#routes.find(url.pathname);
    if (route === null) return refusalReply({ status: 404, error: "There is nothing here." });
    const refusal = this.#refusalOf(route, request, address);
    if (refusal !== null) return refusalReply(refusal);
    const visit: Omit<Visit, "body"> = { headers: request.headers, address };
    if (route.method === "GET") return await route.answer({ ...visit, body: {} });
    const body = await readJsonBody(request, this.#options.clock);
    if ("refusal" in body) return refusalReply(body.refusal);
    return await route.answer({ ...visit, body: body.value });
  }

  /** Why a request is not answered though its path leads somewhere; null where it is. */
  #refusalOf(route: Route, { method, headers }: Request, address: string): Refusal | null {
    if (method !== route.method && !(method === "HEAD" && route.method === "GET")) {
      const error = `This takes ${route.method}, and not ${method}.`;
      return { status: 405, error, headers: { Allow: route.method } };
    }
    if (!route.isOpen) {
      const admission = this.#gate.admit(headers, address);
      if (admission.kind === "slowed") return slowed(admission.seconds);
      if (admission.kind === "unknown") {
        const error = "A token is needed.";
        return { status: 401, error, headers: { "WWW-Authenticate": "Bearer" } };
      }
    }
    // A form or a link of another page cannot send it, and a script of one would have to ask first.
    if (route.method === "POST" && headers.get("x-aiotest") !== "1") {
      return { status: 403, error: "The header X-Aiotest: 1 is missing." };
    }
    if (route.isControl && this.#refusal !== null) return { status: 403, error: this.#refusal };
    return null;
  }
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
