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
 * The requests of a VSE: its packages (with its kernel and hypervisor) and the essential ones,
 * in the order in which the universe wants them visited, which does not depend on how the VSE is
 * written.
 */
export function requestsOf(vse: Vse, universe: Universe, essential: boolean): Request[] {
  const requests = vse.packages.map((request) => toRequest(request, universe));
  if (essential) addEssential(requests, universe);
  return requests.sort((a, b) => compareRequests(a, b, universe));
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
    names: [name],
  };
}

function addEssential(requests: Request[], universe: Universe): void {
  for (const candidate of universe.essential()) {
    const { name } = universe.info(candidate);
    const at = requests.findIndex((request) => request.name === name && !request.architecture);
    const asked = requests[at] ?? { name, relations: [], origins: [], layer: 0 };
    const request = { ...toRequest(asked, universe), layer: 0, essential: true };
    requests.splice(at < 0 ? requests.length : at, at < 0 ? 0 : 1, request);
  }
}

function compareRequests(a: Request, b: Request, universe: Universe): number {
  const [first, second] = [a.candidates[0], b.candidates[0]];
  const byVisit = first === undefined || second === undefined ? 0 : universe.compare(first, second);
  return byVisit || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0);
}
