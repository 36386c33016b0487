/** Loading the environment that a command names. */
import { loadVse, loadVseOrThrow, type Loaded } from '../vse/load.ts';
import type { TracedVse } from '../vse/types.ts';
import type { ArgumentSpec } from './command.ts';
import type { Session } from './session.ts';

/** The argument of the commands that work on one environment. */
export const ENV: ArgumentSpec = {
  name: 'ENV',
  describe: 'path of an environment (cfd.yaml), or the name of a base',
  complete: 'file',
};

const options = (session: Session) => ({ cwd: process.cwd(), env: session.context.env });

/** The merged environment; warnings are shown. Throws what is wrong with it, exit code 2. */
export async function openEnvironment(target: string, session: Session): Promise<TracedVse> {
  const { vse, warnings } = await loadVseOrThrow(target, options(session));
  session.diagnose(warnings);
  return vse;
}

/** As a value: with all that there is to say about it. */
export const examineEnvironment = (target: string, session: Session): Promise<Loaded> =>
  loadVse(target, options(session));
