import type { Clock } from "../../../src/core/clock.ts";
import { Proxies } from "../../../src/http/proxies.ts";
import { DEFAULT_CONNECTIONS, SharedHttpState } from "../../../src/http/shared_http_state.ts";
import type { HeaderPairs, Transport } from "../../../src/http/transport.ts";
import { UrlResolver } from "../../../src/http/url_resolver.ts";
import { DEFAULT_TLS } from "../../../src/net/tls_settings.ts";
import type { Sample } from "../../../src/stats/request_stats.ts";
import type { IterationSlot } from "../../../src/user/iteration_slot.ts";
import { Session } from "../../../src/user/session.ts";
import type { FakeClock } from "../../support/fake_clock.ts";
import { testSockets } from "../../support/sockets.ts";
import { Target } from "../../support/target.ts";
import { type Recorded, testContext } from "../../support/users.ts";

/** A transport under test. */
export interface TransportUnderTest {
  readonly name: string;
  /** Creates the transport of one user. */
  create(clock: Clock, node: SharedHttpState): Transport;
  /** Titles of rows that it cannot fulfil, with the reasons. */
  readonly cannot: Readonly<Record<string, string>>;
}

/** Registers one row of the contract. */
export type Contract = (title: string, run: (world: World) => Promise<void>) => void;

/** One user of the target. */
export interface WorldUser {
  readonly session: Session;
  /** Aborts the user, as the runner does after the stop timeout. */
  abort(): void;
}

/** Settings of a user that differ from the default. */
export interface WorldUserSettings {
  readonly host?: string;
  readonly timeout?: number;
  readonly caCerts?: readonly string[];
  readonly maxRedirects?: number;
  /** Headers of the user class. */
  readonly headers?: HeaderPairs;
  readonly iterationSlot?: IterationSlot;
}

/** A target, its users, and their samples, in virtual time. */
export class World implements AsyncDisposable {
  readonly target = new Target();
  readonly clock: FakeClock;
  /** The samples of all users in order. */
  readonly samples: readonly Sample[];
  /** The requests of all users that were cut off. */
  readonly unfinished: Recorded["unfinished"];
  readonly session: Session;
  readonly #context: ReturnType<typeof testContext>;
  readonly #create: TransportUnderTest["create"];
  readonly #sessions: Session[] = [];
  readonly #transports: Transport[] = [];

  constructor(create: TransportUnderTest["create"]) {
    this.#context = testContext();
    this.clock = this.#context.clock;
    this.samples = this.#context.recorded.samples;
    this.unfinished = this.#context.recorded.unfinished;
    this.#create = create;
    this.session = this.user().session;
  }

  /** Adds a user, by default with the same settings as `session`. */
  user(settings: WorldUserSettings = {}): WorldUser {
    const { host = this.target.url, timeout = 60, caCerts = [], maxRedirects = 20 } = settings;
    const { headers = [], iterationSlot = null } = settings;
    const controller = new AbortController();
    const session = new Session(
      this.transport(caCerts),
      { ...this.#context.context, signal: controller.signal, iterationSlot },
      { userClass: "ShopTest", host, urls: new UrlResolver(host), timeout, maxRedirects, headers },
    );
    this.#sessions.push(session);
    return { session, abort: () => controller.abort() };
  }

  /** Creates a transport, which belongs to a session, or is closed at the end. */
  transport(caCerts: readonly string[] = []): Transport {
    const node = new SharedHttpState(this.clock, {
      ...DEFAULT_CONNECTIONS,
      sockets: testSockets(),
      proxies: new Proxies(() => undefined),
      tls: { ...DEFAULT_TLS, ca: caCerts },
    });
    const transport = this.#create(this.clock, node);
    this.#transports.push(transport);
    return transport;
  }

  /** The only sample. */
  get sample(): Sample {
    const [sample] = this.samples;
    if (sample === undefined || this.samples.length > 1) {
      throw new Error(`${this.samples.length} samples were counted, not one`);
    }
    return sample;
  }

  /** Whether an error has been counted as a failed request. */
  isCounted(error: unknown): boolean {
    return this.#context.context.recorder.isCounted(error);
  }

  /** Ends all users as the runner does, without an abort before. */
  endUsers(): void {
    this.#context.context.requests.close(this.clock.now());
    for (const session of this.#sessions) session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.close();
    for (const transport of this.#transports) transport.close();
    await this.target[Symbol.asyncDispose]();
  }
}
