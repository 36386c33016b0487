/** What a VSE asks for, as requirements for the solver that still know who asked. */
import type { Origin, RequestRelation, Vse } from '../vse/types.ts';
import type { PackageRequirement, Universe } from './universe.ts';

export interface Request extends PackageRequirement {
  readonly name: string;
  readonly architecture?: string;
  readonly relations: readonly RequestRelation[];
  /** Empty for what nobody asked for by name: an essential package. */
  readonly origins: readonly Origin[];
  /** Index of the lowest layer that asks for it; 0 for an essential package. */
  readonly layer: number;
  readonly essential: boolean;
}

/**
 * The requests of a VSE: first the essential packages, then its own (with its kernel and
 * hypervisor), lowest layer first and in each layer as they are written.
 */
export function requestsOf(vse: Vse, universe: Universe, essential: boolean): Request[] {
  const requests = vse.packages.map((request) => toRequest(request, universe));
  requests.sort((a, b) => a.layer - b.layer || compareWritten(vse, a, b));
  return essential ? addEssential(requests, universe) : requests;
}

type Asked = Pick<Request, 'name' | 'architecture' | 'relations' | 'origins' | 'layer'>;

function toRequest(asked: Asked, universe: Universe): Request {
  const { name, architecture, relations, origins, layer } = asked;
  const bounds = relations.map(({ operator, version }) => ` (${operator} ${version})`);
  return {
    name,
    ...(architecture !== undefined && { architecture }),
    relations,
    origins,
    layer,
    essential: false,
    candidates: universe.satisfying({ name, ...(architecture && { architecture }), relations }),
    verb: 'asks for',
    target: (architecture === undefined ? name : `${name}:${architecture}`) + bounds.join(''),
  };
}

function addEssential(requests: readonly Request[], universe: Universe): Request[] {
  const rest = new Set(requests);
  const essential = universe.essential().map((candidate) => {
    const { name } = universe.info(candidate);
    const found = requests.find((request) => request.name === name && !request.architecture);
    if (found) rest.delete(found);
    const asked = found ?? toRequest({ name, relations: [], origins: [], layer: 0 }, universe);
    return { ...asked, layer: 0, essential: true };
  });
  return [...essential, ...rest];
}

/** By the places where the lowest layer asks, then by name. */
function compareWritten(vse: Vse, a: Request, b: Request): number {
  const [x, y] = [a, b].map(({ origins, layer }) => {
    const name = vse.layers[layer]?.name;
    return origins.find((origin) => origin.layer === name)?.span;
  });
  const byPlace = x && y ? x.line - y.line || x.column - y.column : 0;
  return byPlace || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0);
}
