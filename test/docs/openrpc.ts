import { methods } from '../../node/rpc/methods/index.js';

/** A method as rpc.discover describes it. */
export interface Described {
  readonly name: string;
  readonly summary: string;
  readonly params: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly schema: DescribedSchema;
  }[];
  readonly result: { readonly schema: object };
}

export interface DescribedSchema {
  readonly type?: string;
  readonly default?: unknown;
}

export interface OpenRpc {
  readonly methods: readonly Described[];
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** What rpc.discover answers, which takes nothing from a node. */
export function document(): OpenRpc {
  return methods['rpc.discover'].run({} as never, {}) as unknown as OpenRpc;
}
