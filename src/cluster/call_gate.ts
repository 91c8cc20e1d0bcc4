import type { Clock } from "../core/clock.ts";
import { UserEnd } from "../core/user_end.ts";
import { currentStay } from "../core/user_stay.ts";
import type { ClusterPort, Outcome, SharedCall } from "./shared_call.ts";

/** What the calls of a node go through: before the test begins they wait here. */
export class CallGate {
  readonly #clock: Clock;
  readonly #waiting: ((port: ClusterPort) => void)[] = [];
  #port: ClusterPort | null = null;
  #isInit = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether calls get through. */
  get isOpen(): boolean {
    return this.#port !== null;
  }

  /** Lets calls through from now on, those that wait first. */
  open(port: ClusterPort): void {
    this.#port = port;
    for (const begin of this.#waiting.splice(0)) begin(port);
  }

  /**
   * Does what the test file does before the test; calls are refused meanwhile, since who waits for one
   * there would wait for ever.
   */
  async refusing(work: () => Promise<void>): Promise<void> {
    this.#isInit = true;
    try {
      await work();
    } finally {
      this.#isInit = false;
    }
  }

  /**
   * Asks for something; resolves with what came of it, and rejects where that is an error.
   *
   * A user that is to stop does not wait for what may be long in coming: for it, this rejects. One that
   * has ended never gets an answer.
   */
  call(call: SharedCall, mayBlock: boolean): Promise<unknown> {
    const stay = currentStay.getStore();
    // Whoever it was made for would go on with it, and never end.
    if (stay?.gone) return new Promise(() => {});
    if (this.#isInit) return Promise.reject(tooEarly(call));
    if (mayBlock && stay?.leaving) return this.#end();
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const begin = (port: ClusterPort): void => {
        let answered = false;
        const withdraw = port.call(call, mayBlock, (outcome) => {
          answered = true;
          forget();
          if (stay?.gone) return;
          try {
            resolve(valueOf(outcome));
          } catch (error) {
            reject(error);
          }
        });
        if (!mayBlock || stay === undefined || answered) return;
        forget = stay.onLeave(() => {
          withdraw();
          reject(ended());
        });
      };
      if (this.#port === null) this.#waiting.push(begin);
      else begin(this.#port);
    });
  }

  /** In a turn of its own: a test that tries again and again leaves others their time. */
  async #end(): Promise<never> {
    await this.#clock.nextTurn();
    throw ended();
  }
}

/** @throws what came of a call that was not answered. */
function valueOf({ result, value }: Outcome): unknown {
  if (result === "end") throw new UserEnd(value);
  if (result === "error") throw new Error(value);
  return value === "" ? undefined : JSON.parse(value);
}

function ended(): UserEnd {
  return new UserEnd("the user is to stop");
}

function tooEarly({ service, name }: SharedCall): Error {
  return new Error(
    `${service} ${name}: nothing can be shared in init; do it in testStart, or when a user starts`,
  );
}
