import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useShowUpgradeQuery } from "../api/show-upgrade";
import type { Plugin } from "../logic/review";
import { shortHash } from "../logic/short-hash";
import { UpgradeChanges } from "./upgrade-changes";
import { UpgradeDecision } from "./upgrade-decision";

const words = texts.plugins.rights;

/** What a newer version changes, for the person who decides. */
export function UpgradeTab({ plugin }: { plugin: Plugin }) {
  const { data, error, isLoading, refetch } = useShowUpgradeQuery(plugin.name);
  if (isLoading) return <Loading rows={6} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const { from, to } = data;
  const isSame = !from || from.hash === to?.hash;
  if (!to || (isSame && !data.review && !data.kept)) {
    const version = from && (from.version || shortHash(from.hash));
    return (
      <EmptyState title={words.noUpgrade} next={version ? words.sameServes(version) : words.noUpgradeNext} />
    );
  }
  return (
    <>
      <UpgradeDecision plugin={plugin.name} upgrade={data} from={from} to={to} />
      <UpgradeChanges upgrade={data} />
    </>
  );
}
