/** A kind of machine that an executable is made for. */
export interface ExecutableTarget {
  /** As it stands in the name of the executable: `linux-x64`. */
  readonly name: string;
  /** What `deno compile --target` calls it. */
  readonly triple: string;
  /** How executables end there. */
  readonly suffix: "" | ".exe";
}

/** Every machine that aiotest is released for. */
export const TARGETS: readonly ExecutableTarget[] = [
  { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", suffix: "" },
  { name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", suffix: "" },
  { name: "macos-x64", triple: "x86_64-apple-darwin", suffix: "" },
  { name: "macos-arm64", triple: "aarch64-apple-darwin", suffix: "" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", suffix: ".exe" },
];

/** The target of a name or a triple, or null. */
export function findTarget(nameOrTriple: string): ExecutableTarget | null {
  return TARGETS.find(({ name, triple }) => [name, triple].includes(nameOrTriple)) ?? null;
}

/** Numbers at the start of a Mach-O file and of an ELF file for each kind of processor. */
const MACH_O = 0xfeedfacf;
const MACH_O_ARCHITECTURES: Readonly<Record<number, string>> = {
  0x01000007: "x64",
  0x0100000c: "arm64",
};
const ELF = 0x7f454c46;
const ELF_ARCHITECTURES: Readonly<Record<number, string>> = { 0x3e: "x64", 0xb7: "arm64" };

/** Bytes that {@link targetOfProgram} must be given, unless the program is shorter. */
export const HEADER_BYTES = 64;

/** The target that a program runs on, by its first bytes; null where it runs on none of them. */
export function targetOfProgram(header: Uint8Array): ExecutableTarget | null {
  if (header.length < HEADER_BYTES) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  // "MZ": of Windows there is one target.
  if (view.getUint16(0) === 0x4d5a) return findTarget("windows-x64");
  if (view.getUint32(0) === ELF) {
    return findTarget(`linux-${ELF_ARCHITECTURES[view.getUint16(18, true)]}`);
  }
  if (view.getUint32(0, true) === MACH_O) {
    return findTarget(`macos-${MACH_O_ARCHITECTURES[view.getUint32(4, true)]}`);
  }
  return null;
}
