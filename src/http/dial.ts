import type { Expiring } from "./deadline_sweep.ts";
import { WireError } from "./wire_error.ts";

/** The opening of one connection, which must be over in time. */
export class Dial implements Expiring {
  deadline: number;
  readonly #isConnectLimit: boolean;
  readonly #controller = new AbortController();

  /** @param connectDeadline for this connection; `deadline` for the whole exchange: in milliseconds. */
  constructor(connectDeadline: number, deadline: number) {
    this.deadline = Math.min(connectDeadline, deadline);
    this.#isConnectLimit = connectDeadline < deadline;
  }

  /** Aborted, with a WireError, when it has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  expire(): void {
    const code = this.#isConnectLimit ? "CONNECT_TIMEOUT" : "TIMEOUT";
    this.fail(new WireError(code, "no connection in time"));
  }

  /** Gives it up. */
  fail(failure: WireError): void {
    this.deadline = Infinity;
    this.#controller.abort(failure);
  }
}
