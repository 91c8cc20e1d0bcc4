/**
 * A client of the dashboard of a run, in this process or in another one.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import { clippedText } from "../core/clipped_text.ts";
import { sanitizeTerminal } from "../core/text.ts";
import type { LiveUpdate, LiveView } from "../web/live_view.ts";

/** Where a dashboard is, and how to get in. */
export interface DashboardAddress {
  /** Ends with a slash. */
  readonly url: string;
  /** `null`: none is sent. */
  readonly token: string | null;
  /** A certificate that is trusted besides those of the system, in PEM; `null`: none. */
  readonly caCert: string | null;
}

/** A view or an update of the run. */
export type RunEvent = LiveView | LiveUpdate;

/** A dashboard that does not begin to answer within this time is not waited for. */
const ANSWER_SECONDS = 10;

/** The longest error message of a dashboard that is shown, in characters. */
const MAX_MESSAGE = 500;

/** Talks to the dashboard of a run. Its methods throw a {@link UsageError} if it refuses, or cannot be reached. */
export class DashboardClient {
  readonly #address: DashboardAddress;
  readonly #client: Deno.HttpClient | undefined;

  constructor(address: DashboardAddress) {
    this.#address = address;
    const { caCert } = address;
    this.#client = caCert === null ? undefined : Deno.createHttpClient({ caCerts: [caCert] });
  }

  /**
   * Yields the run at this moment, and again after each second until the dashboard closes.
   *
   * @throws UsageError if it cannot be reached, is none, or refuses.
   */
  async *events(): AsyncGenerator<RunEvent, void> {
    const response = await this.#request("api/stream", {});
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream") || response.body === null) {
      await response.body?.cancel();
      throw this.#noDashboard();
    }
    for await (const { event, data } of eventsOf(response.body)) {
      if (event === "log") continue;
      if (!isRunEvent(data)) throw this.#noDashboard();
      yield data;
    }
  }

  /**
   * The run at this moment.
   *
   * @throws UsageError as {@link events}.
   */
  async view(): Promise<LiveView> {
    for await (const event of this.events()) if ("runId" in event) return event;
    throw this.#noDashboard();
  }

  /**
   * Sends a command.
   *
   * @throws CommandRefused with the dashboard's reason if it is refused.
   * @throws UsageError as {@link events}.
   */
  async command(path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await this.#request(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-aiotest": "1" },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
  }

  /**
   * A file that the dashboard makes.
   *
   * @throws UsageError as {@link events}.
   */
  async download(path: string): Promise<readonly string[]> {
    const response = await this.#request(path, {});
    const parts: string[] = [];
    if (response.body === null) return parts;
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) parts.push(part);
    return parts;
  }

  /** Resolves with a response of success. */
  async #request(path: string, init: RequestInit): Promise<Response> {
    const { url, token } = this.#address;
    const headers = new Headers(init.headers);
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    const response = await this.#answer(`${url}${path}`, { ...init, headers });
    if (response.ok) return response;
    const message = await errorOf(response);
    if (message === null) throw this.#noDashboard();
    throw this.#refusal(response.status, message);
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    const overdue = new AbortController();
    const timer = systemClock.setTimer(() => overdue.abort(), ANSWER_SECONDS * 1000);
    try {
      const options = { ...init, redirect: "manual", signal: overdue.signal } as const;
      return await fetch(
        url,
        this.#client === undefined ? options : { ...options, client: this.#client },
      );
    } catch (error) {
      if (overdue.signal.aborted) {
        throw new UsageError(
          `${this.#address.url}: no answer within ${ANSWER_SECONDS} s`,
          "Is this the address of a dashboard? The log of a run names it.",
        );
      }
      throw this.#unreachable(error);
    } finally {
      systemClock.clearTimer(timer);
    }
  }

  #unreachable(error: unknown): UsageError {
    const { url } = this.#address;
    // What fetch throws says only that it has failed.
    const isWrapped = error instanceof TypeError && error.cause !== undefined;
    const reason = errorText(isWrapped ? error.cause : error);
    if (/certificate/i.test(reason)) {
      const text = /invalid peer certificate: (\w+)/.exec(reason)?.[1] ?? "it is not trusted";
      return new UsageError(
        `${url}: the certificate is refused: ${text}`,
        "--ca FILE trusts the certificate in a file.",
      );
    }
    if (/dns error|failed to lookup/i.test(reason)) {
      return new UsageError(`${url}: the name of this host is unknown`);
    }
    const refused = /refused/i.test(reason);
    return new UsageError(
      `${url}: ${refused ? "nobody listens there" : `cannot connect: ${cause(reason)}`}`,
      "The log of a run names the address of its dashboard, which closes when the run has ended.",
    );
  }

  #noDashboard(): UsageError {
    return new UsageError(
      `${this.#address.url}: what answers there is no dashboard of aiotest`,
      "The log of a run names the address of its dashboard.",
    );
  }

  #refusal(status: number, message: string): UsageError {
    const { url, token } = this.#address;
    if (status !== 401) return new CommandRefused(url, message.replace(/\.$/, ""));
    return token === null
      ? new UsageError(
        `${url}: this dashboard needs a token`,
        "Set AIOTEST_WEB_TOKEN to the token of the run.",
      )
      : new UsageError(
        `${url}: the token is wrong`,
        "AIOTEST_WEB_TOKEN must have the same value as for the run.",
      );
  }
}

/** The dashboard has understood a request, and does not carry it out. */
export class CommandRefused extends UsageError {
  /** Why, as a sentence without a full stop. */
  readonly reason: string;

  constructor(url: string, reason: string) {
    super(`${url}: ${reason}`);
    this.reason = reason;
  }
}

/** The last part of an error of `fetch`, which names all its layers. */
function cause(reason: string): string {
  return reason.split(": ").at(-1)!.replace(/ \(os error \d+\)$/, "").replace(/\)$/, "");
}

/** What a dashboard says is wrong; `null` if it is none. */
async function errorOf(response: Response): Promise<string | null> {
  try {
    const { error }: { readonly error?: unknown } = await response.json();
    return typeof error === "string" ? sanitizeTerminal(clippedText(error, MAX_MESSAGE)) : null;
  } catch {
    return null;
  }
}

function isRunEvent(data: unknown): data is RunEvent {
  return typeof data === "object" && data !== null && "live" in data && "totals" in data;
}

interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** The events of a stream of server-sent events in JSON. */
async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<StreamEvent> {
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name: string): string =>
        lines.filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2)).join("\n");
      const data = field("data");
      if (data !== "") yield { event: field("event"), data: parsed(data) };
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
