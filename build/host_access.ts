/**
 * A plugin of `deno lint`. The product reaches arguments, environment, exit and console only through the
 * `Host` that it is given, so that the whole command line also runs inside a test.
 *
 * @module
 */

/** Members that code of the product may not use; Node's names for them would be a way round the rule. */
const FORBIDDEN: Readonly<Record<string, ReadonlySet<string>>> = {
  Deno: new Set(["args", "env", "exit", "exitCode"]),
  process: new Set(["argv", "env", "exit", "exitCode"]),
  // Only these methods, as a variable may well be called a console.
  console: new Set(
    "log info debug warn error trace dir table assert group time".split(" "),
  ),
};

/** The Host itself, and the entry point that creates it. */
const EXEMPT: readonly string[] = ["src/core/host.ts", "cli.ts"];

const ROOT = decodeURI(new URL("..", import.meta.url).pathname);

function isChecked(filename: string): boolean {
  const path = filename.replaceAll("\\", "/").replace(ROOT, "");
  const isShipped = path.startsWith("src/") || path === "mod.ts" || path === "cli.ts";
  return isShipped && !EXEMPT.includes(path);
}

function memberName({ computed, property }: Deno.lint.MemberExpression): string | null {
  if (!computed) return property.type === "Identifier" ? property.name : null;
  return property.type === "Literal" ? String(property.value) : null;
}

const plugin: Deno.lint.Plugin = {
  name: "aiotest",
  rules: {
    "host-access": {
      create(context): Deno.lint.LintVisitor {
        if (!isChecked(context.filename)) return {};
        return {
          MemberExpression(node): void {
            const { object } = node;
            const name = memberName(node);
            if (object.type !== "Identifier" || name === null) return;
            if (!Object.hasOwn(FORBIDDEN, object.name)) return;
            if (!FORBIDDEN[object.name]!.has(name)) return;
            context.report({
              node,
              message: `${object.name}.${name} is only for the Host`,
              hint: "Take it from the Host that is handed in.",
            });
          },
        };
      },
    },
  },
};

export default plugin;
