import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";

import type { Entry } from "../logic/gallery";

const words = texts.plugins.gallery;

/** Who signed a version, and whether the owner's policy accepts them. */
export function Verified({ version }: { version: Schemas["GalleryVersion"] }) {
  const who = version.publisher || words.nobody;
  return (
    <span title={version.trust}>
      <StateTag
        state="publisher"
        tone={version.verified ? "good" : "calm"}
        label={version.verified ? words.verified(who) : words.notVerified(who)}
      />
    </span>
  );
}

/** Whether it is here, can be updated, or has known faults. */
export function Standing({ entry: { installed, newer, newest } }: { entry: Entry }) {
  return (
    <>
      {installed !== null && (
        <StateTag
          state="installed"
          tone={newer ? "busy" : "good"}
          label={
            newer
              ? words.updatable(installed)
              : installed
                ? words.installedVersion(installed)
                : words.installed
          }
        />
      )}
      {newest.revoked && <StateTag state="revoked" tone="bad" label={words.revoked} />}
      {!newest.revoked && newest.advisories.length > 0 && (
        <StateTag state="advisories" tone="warn" label={words.advisoryCount(newest.advisories.length)} />
      )}
    </>
  );
}
