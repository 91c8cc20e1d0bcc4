/**
 * The transport over aiotest's own HTTP/2 engine.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { asRequestError } from "../http/exchange_outcome.ts";
import type { RequestTarget } from "../http/request_encoder.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import type { SocketTransport, TransportSettings } from "../http/socket_transport.ts";
import type { Transport, WireRequest } from "../http/transport.ts";
import { Http2Pool } from "./http2_pool.ts";
import type { PoolUser } from "./http2_stream.ts";

/** A pool that all users of a class share. It closes its connections when none of them is left. */
class SharedPool {
  readonly pool: Http2Pool;
  users = 0;

  constructor(pool: Http2Pool) {
    this.pool = pool;
  }
}

/** The exchanges of one user. */
export class Http2Transport implements Transport, PoolUser {
  readonly http1: SocketTransport | null;
  readonly #shared: SharedHttpState;
  readonly #pool: Http2Pool;
  /** `null` if the pool is its own. */
  readonly #sharedPool: SharedPool | null;
  #isClosed = false;

  /**
   * Opens nothing before the first exchange.
   *
   * @param http1 for servers that do not speak HTTP/2, and for connections without TLS; `null` if there must be
   *   none.
   * @param sharedBy whose users share their connections; `null` if this one has its own.
   * @param Pool what sends the requests.
   */
  constructor(
    clock: Clock,
    shared: SharedHttpState,
    settings: TransportSettings,
    http1: SocketTransport | null,
    sharedBy: object | null,
    Pool: typeof Http2Pool = Http2Pool,
  ) {
    this.#shared = shared;
    this.http1 = http1;
    const protocols = http1 === null ? ["h2"] : ["h2", "http/1.1"];
    const all = { ...settings, protocols };
    this.#sharedPool = sharedBy === null ? null : shared.ofClass(
      sharedBy,
      () => new SharedPool(new Pool(clock, shared, all, Infinity)),
    );
    if (this.#sharedPool !== null) this.#sharedPool.users++;
    this.#pool = this.#sharedPool?.pool ?? new Pool(clock, shared, all, 1);
  }

  exchange(request: WireRequest): void {
    let target: RequestTarget;
    try {
      target = this.#shared.target(request.url);
    } catch (error) {
      return request.failed(asRequestError(error, request));
    }
    // Without TLS, nothing says whether the server speaks HTTP/2.
    if (this.http1 !== null && !target.origin.secure) this.http1.exchange(request);
    else this.#pool.exchange(this, request, target);
  }

  abort(): void {
    this.#pool.abort(this, "the user was stopped");
    this.http1?.abort();
  }

  close(): void {
    this.#pool.abort(this, "the user has ended");
    this.http1?.close();
    if (this.#sharedPool === null) this.#pool.close();
    else if (!this.#isClosed && --this.#sharedPool.users === 0) this.#pool.close();
    this.#isClosed = true;
  }
}
