import assert from "node:assert/strict";
import { RequestError } from "../../src/http/request_error.ts";
import { metrics } from "../../src/user/metrics.ts";
import { type TestContext, testContext } from "./users.ts";
import type { UserContext } from "../../src/user/context.ts";

/** A user in virtual time, and what it has counted. The user is disposed with it. */
export interface UserScene<User> extends TestContext, Disposable {
  readonly user: User;
  readonly abort: AbortController;
  /** Samples as text: name, status, error. */
  counted(): string[];
  /** What was counted in metrics since the last call. */
  metrics(): Record<string, number>;
}

/** Makes a scene of a user. */
export function userScene<User extends Disposable>(
  create: (context: UserContext) => User,
  fields: Partial<UserContext>,
): UserScene<User> {
  const context = testContext(fields);
  const abort = new AbortController();
  metrics.take(0);
  const user = create({ ...context.context, signal: abort.signal });
  return {
    ...context,
    user,
    abort,
    counted: () =>
      context.recorded.samples.splice(0).map(({ method, name, status, error }) =>
        `${method} ${name} ${status} ${error ?? "ok"}`
      ),
    metrics: () => {
      const taken = [...metrics.take(0)].map(([name, stats]) =>
        [name, stats.type === "counter" ? stats.value : NaN] as const
      );
      return Object.fromEntries(taken.filter(([, value]) => value !== 0));
    },
    [Symbol.dispose]: () => {
      context.context.requests.close(context.clock.now());
      user[Symbol.dispose]();
    },
  };
}

/** Rejects with a RequestError whose code and message are like this. */
export async function fails(
  promise: Promise<unknown>,
  code: string,
  message = /./,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}
