/** A toolbox: programs of the distribution, unpacked by vsec and started without the host's help. */
export interface Toolbox {
  /** `sha256:…` over the packages in it. */
  readonly digest: string;
  /** Absolute path of the unpacked tree. */
  readonly root: string;
  /** How to start `program` of this toolbox: through its own dynamic loader and libraries. */
  command(
    program: string,
    args: readonly string[],
  ): {
    readonly file: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
}
