/**
 * The dashboard's server: checks each request, and passes it to its route.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { WebHandler, WebListener, WebListenOptions } from "../core/web_server.ts";
import type { RunHistory } from "../report/run_history.ts";
import type { RunMetadata } from "../report/summary.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { AllowedHosts, crossOriginProblem, isLoopback } from "./allowed_hosts.ts";
import { notFoundText, placeOf } from "./base_path.ts";
import type { DashboardControl } from "./control.ts";
import { LiveFeed, type LogTail } from "./feed.ts";
import { HistoryRoutes } from "./history_routes.ts";
import { type Client, TrustedProxies } from "./forwarded.ts";
import { errorPage, type ErrorReply, errorReply, readJsonBody } from "./http.ts";
import type { ControlPermissions } from "./live_view.ts";
import type { ReportedRun } from "./report_formats.ts";
import { DashboardRouter, rateLimited, type Route, type RouteRequest } from "./routes.ts";
import { Authenticator } from "./security.ts";

/** What a dashboard needs. */
export interface DashboardOptions {
  /** The run that it shows. */
  readonly control: DashboardControl;
  /** The name or address to listen at; *, 0.0.0.0 and :: mean all addresses of the machine. */
  readonly bindHost: string;
  /** 0: any free port. */
  readonly port: number;
  /** Connections that may be open at the same time, at least 2. Half of them may be event streams. */
  readonly maxConnections: number;
  /** The machine's own name. */
  readonly hostname: string;
  /** The names of proxies in front of it, as `hostPattern` returns them. */
  readonly allowedHosts: readonly string[];
  /** The networks of proxies whose headers are believed, as `proxyNetwork` returns them. */
  readonly trustedProxies: readonly string[];
  /** The path below which it is served, as `basePath` returns it. */
  readonly basePath: string;
  /** Certificate and key in PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Required from clients; null: no token, and only this machine may change the run. */
  readonly token: string | null;
  readonly clock: Clock;
  /** Version of aiotest. */
  readonly version: string;
  readonly log: LogTail;
  /** Starts a web server, as `Host` does. */
  readonly serve: (at: WebListenOptions, handle: WebHandler) => WebListener | Promise<WebListener>;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => string;
  /** How the run was configured, and where it runs. */
  readonly metadata: () => RunMetadata;
  /** The run at this moment, for downloaded reports. */
  readonly reported: () => ReportedRun;
  /** Earlier runs; null if none are kept. */
  readonly history: RunHistory | null;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const READ_ONLY =
  "The dashboard is read-only: it accepts connections from other machines and has no --web-token.";

const READ_ONLY_BEHIND_PROXY =
  "The dashboard is read-only: other machines reach it through a proxy, and it has no --web-token.";

const READ_ONLY_THROUGH_PROXY =
  "The dashboard is read-only for requests that come through a proxy, because it has no --web-token.";

/** Serves the dashboard's page and its API. */
export class DashboardServer {
  readonly #options: DashboardOptions;
  readonly #authenticator: Authenticator;
  readonly #feed: LiveFeed;
  readonly #history: HistoryRoutes;
  readonly #router: DashboardRouter;
  readonly #proxies: TrustedProxies;
  /** Why clients may not change the run; null if they may. */
  readonly #denial: string | null;
  #listener: WebListener | null = null;
  #allowedHosts: AllowedHosts | null = null;
  #exitCode: number | null = null;

  /** Does not serve anything until {@link start} is called. */
  constructor(options: DashboardOptions) {
    const { control, clock, log, version, token } = options;
    this.#options = options;
    this.#denial = denialOf(options);
    this.#proxies = new TrustedProxies(options.trustedProxies);
    this.#authenticator = new Authenticator(token, clock, options.warn);
    const permissions = (): ControlPermissions => ({
      denial: this.#denial,
      canStart: control.canStart,
      series: control.series?.state ?? null,
    });
    this.#feed = new LiveFeed({
      ...{ clock, log, version, permissions },
      maxClients: Math.floor(options.maxConnections / 2),
      snapshot: () => control.snapshot(),
    });
    this.#history = new HistoryRoutes(options.history);
    this.#router = new DashboardRouter({
      history: this.#history,
      ...{ control, clock, log, permissions },
      authenticator: this.#authenticator,
      feed: this.#feed,
      exitCode: () => this.#exitCode,
      metrics: options.metrics,
      metadata: options.metadata,
      reported: options.reported,
      info: options.info,
    });
  }

  /** Starts to listen. Returns the port. Rejects with `Deno.errors.AddrInUse` and similar errors. */
  async start(): Promise<number> {
    const { serve, bindHost, port: wanted, maxConnections, tls } = this.#options;
    const at = { hostname: bindHost, port: wanted, maxConnections, tls };
    this.#listener = await serve(at, (request, address) => this.#handle(request, address));
    const { port } = this.#listener;
    this.#allowedHosts = new AllowedHosts({ ...this.#options, port, isTls: tls !== null });
    return port;
  }

  /** How many clients read the stream of events. */
  get clients(): number {
    return this.#feed.clients;
  }

  /**
   * Shows the run at this moment. To be called once a second; costs next to nothing while no client
   * is connected.
   *
   * @param exitCode what the process is about to exit with; null while the run is in progress.
   */
  update(snapshot: Snapshot, exitCode: number | null = null): void {
    this.#exitCode = exitCode;
    this.#router.refresh();
    this.#feed.update(snapshot, exitCode);
  }

  /** Ends all streams and stops listening. */
  async close(): Promise<void> {
    this.#feed.close();
    this.#history.close();
    await this.#listener?.close();
  }

  /** Handles a request. Never throws, and does not reveal internal errors to the client. */
  async #handle(request: Request, address: string): Promise<Response> {
    try {
      const response = await this.#handleOrThrow(request, address);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      if (error instanceof UsageError) {
        return errorReply({ status: 409, error: error.message });
      }
      this.#options.warn(`The dashboard could not answer a request: ${errorText(error)}`);
      return errorReply({ status: 500, error: "Internal error in aiotest." });
    }
  }

  async #handleOrThrow(request: Request, peer: string): Promise<Response> {
    const url = URL.parse(request.url);
    if (url === null) return errorReply({ status: 400, error: "The request URL is invalid." });
    const { basePath } = this.#options;
    const client = this.#proxies.clientOf(request.headers, peer);
    const place = placeOf(url.pathname, basePath, client.prefix);
    const route = place === null ? null : this.#router.find(place.path);
    // Load balancers ask for the health of a server at its address. It tells nothing about the run.
    const crossOrigin = route?.isForAnyHost ? null : crossOriginProblem(request, url, {
      allowedHosts: this.#allowedHosts!,
      client,
      canBeOpened: route === null || ["/", "", "/runs"].includes(place!.path),
    });
    const base = place?.base ?? basePath;
    if (crossOrigin !== null) return refusal(request, crossOrigin, base);
    if (route === null) {
      const isKnown = (path: string): boolean => this.#router.find(path) !== null;
      const error = notFoundText(url.pathname, basePath, isKnown);
      return refusal(request, { status: 404, error }, base);
    }
    const denial = this.#denialFor(client);
    const problem = this.#problemWith(route, request, client.address, denial);
    if (problem !== null) return refusal(request, problem, base);
    const routeRequest: Omit<RouteRequest, "body"> = {
      headers: request.headers,
      address: client.address,
      base,
      isSecure: this.#isSecure(request.headers, client),
      denial,
    };
    if (route.method === "GET") return await route.handle({ ...routeRequest, body: {} });
    const body = await readJsonBody(request, this.#options.clock);
    if ("problem" in body) return errorReply(body.problem);
    return await route.handle({ ...routeRequest, body: body.value });
  }

  /** Why a client may not change the run; null if it may. */
  #denialFor({ isLocal }: Client): string | null {
    if (this.#denial !== null || this.#authenticator.hasToken || isLocal) return this.#denial;
    return READ_ONLY_THROUGH_PROXY;
  }

  /** Whether a browser uses HTTPS, as far as that is known: an `Origin` is sent by browsers only. */
  #isSecure(headers: Headers, { isSecure }: Client): boolean {
    return isSecure ??
      (this.#options.tls !== null || (headers.get("origin")?.startsWith("https:") ?? false));
  }

  /** Why a route must not handle a request; null if it may. */
  #problemWith(
    route: Route,
    { method, headers }: Request,
    address: string,
    denial: string | null,
  ): ErrorReply | null {
    if (method !== route.method && !(method === "HEAD" && route.method === "GET")) {
      const error = `Method ${method} is not allowed; use ${route.method}.`;
      return { status: 405, error, headers: { Allow: route.method } };
    }
    if (!route.isPublic) {
      const result = this.#authenticator.authenticate(headers, address);
      if (result.kind === "limited") return rateLimited(result.seconds);
      if (result.kind === "denied") {
        const error = "A token is required.";
        return { status: 401, error, headers: { "WWW-Authenticate": "Bearer" } };
      }
    }
    // A form or link on another site cannot send this header, and a script would need CORS.
    if (route.method === "POST" && headers.get("x-aiotest") !== "1") {
      return { status: 403, error: "The header X-Aiotest: 1 is missing." };
    }
    if (route.isControl && denial !== null) return { status: 403, error: denial };
    return null;
  }
}

/** Why clients may not change the run; null if they may. */
function denialOf(
  { token, bindHost, allowedHosts }: Pick<DashboardOptions, "token" | "bindHost" | "allowedHosts">,
): string | null {
  if (token !== null) return null;
  if (!isLoopback(bindHost)) return READ_ONLY;
  return allowedHosts.length === 0 ? null : READ_ONLY_BEHIND_PROXY;
}

/** An error, as a page if a person has opened the address in a browser. */
function refusal({ method, headers }: Request, problem: ErrorReply, base: string): Response {
  const isOpened = method === "GET" && /\btext\/html\b/i.test(headers.get("accept") ?? "");
  return isOpened ? errorPage(problem, `${base}/`) : errorReply(problem);
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
