import fc from "fast-check";
import type { Curve } from "../../src/load/curve.ts";
import {
  delayed,
  doubleWave,
  hold,
  inSequence,
  plus,
  ramp,
  repeated,
  scaled,
  spike,
  stepUntilItBreaks,
  wave,
} from "../../src/load/curves.ts";
import { type Stage, stages } from "../../src/load/stages.ts";

/** The model of a load. */
export type Model = "users" | "arrivals";

/** Any curve that ends. */
export interface EndingCurve extends Curve {
  readonly seconds: number;
}

const seconds = fc.oneof(
  fc.integer({ min: 1, max: 60 }),
  fc.double({ min: 0.1, max: 60, noNaN: true }),
);

/** Any simple curve, made by one function. */
export function simpleCurves(model: Model): fc.Arbitrary<EndingCurve> {
  const size = model === "users" ? fc.nat(500) : fc.double({ min: 0, max: 500, noNaN: true });
  const limit = fc.integer({ min: 1, max: 50 });
  const sized = <S>(sizes: fc.Arbitrary<S>): fc.Arbitrary<{ users: S }> =>
    (model === "users"
      ? fc.record({ users: sizes })
      : fc.record({ arrivalRate: sizes, maxUsers: limit })) as fc.Arbitrary<{ users: S }>;
  const span = fc.record({ from: size, to: size });
  const steps = fc.record({
    from: size,
    step: fc.integer({ min: 1, max: 200 }),
    up: fc.nat(300),
  }).map(({ from, step, up }) => ({ from, step, to: from + up }));
  const rate = fc.double({ min: 0.1, max: 100, noNaN: true });
  const lasting = <T>(options: fc.Arbitrary<T>): fc.Arbitrary<T & { seconds: number }> =>
    fc.tuple(options, seconds).map(([options, seconds]) => ({ ...options, seconds }));
  return fc.oneof(
    lasting(sized(span)).map(ramp),
    lasting(sized(span)).map(wave),
    lasting(sized(span)).map(doubleWave),
    lasting(sized(span)).map(spike),
    lasting(sized(size)).map(hold),
    fc.tuple(sized(steps), fc.integer({ min: 1, max: 10 }))
      .map(([options, stepSeconds]) => stepUntilItBreaks({ ...options, stepSeconds })),
    fc.array(fc.tuple(sized(size), seconds, rate), { minLength: 1, maxLength: 4 })
      .map((list) =>
        stages(list.map(([load, duration, rate]) => ({
          ...load,
          duration,
          ...(model === "users" ? { rate } : {}),
        })) as Stage[])
      ),
  ) as fc.Arbitrary<EndingCurve>;
}

/** Any curve, combined or simple. */
export function anyCurve(model: Model): fc.Arbitrary<EndingCurve> {
  return fc.letrec<{ curve: EndingCurve }>((tie) => {
    const parts = fc.array(tie("curve"), { minLength: 1, maxLength: 3 });
    return {
      curve: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        simpleCurves(model),
        parts.map((parts) => inSequence(...parts)),
        parts.map((parts) => plus(...parts)),
        fc.tuple(tie("curve"), fc.double({ min: 0.1, max: 4, noNaN: true }))
          .map(([curve, factor]) => scaled(curve, factor)),
        fc.tuple(tie("curve"), fc.integer({ min: 1, max: 4 }))
          .map(([curve, times]) => repeated(curve, times)),
        fc.tuple(fc.oneof(seconds, fc.constant(0)), tie("curve"))
          .map(([delay, curve]) => delayed(delay, curve)),
      ) as fc.Arbitrary<EndingCurve>,
    };
  }).curve;
}

/** Moments of a curve, including the first and the last. */
export function momentsOf(curve: EndingCurve): readonly number[] {
  const { seconds } = curve;
  const inside = Array.from({ length: 30 }, (_, i) => seconds * i / 30);
  return [...inside, seconds * (1 - 2 ** -52)];
}
