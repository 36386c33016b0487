/** The CycloneDX project's own validator. */
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';

/** What it has to say against a document of version 1.6; nothing when it is valid. */
export async function complaintsAboutCycloneDx(document: object): Promise<readonly unknown[]> {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const problem = await validator.validate(JSON.stringify(document));
  return problem === null ? [] : [problem];
}
